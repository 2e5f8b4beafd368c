"use strict";

(() => {
  // Sends the JSON of a form to the page's own address, and shows what was answered below it.
  const send = async (form) => {
    const shown = form.querySelector("[data-answer]");
    const headers = { Accept: "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value };
    const body = form.elements.body?.value;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(location.pathname, { method: form.dataset.send, headers, body });
    const text = await answer.text();
    shown.hidden = false;
    shown.textContent = `${answer.status} ${answer.statusText}\n${readable(text)}`;
  };

  const readable = (text) => {
    try {
      return JSON.stringify(JSON.parse(text), null, 4);
    } catch {
      return text;
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-send]");
    if (!form || event.defaultPrevented) return;
    event.preventDefault();
    send(form);
  });
})();

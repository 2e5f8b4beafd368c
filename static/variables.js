"use strict";

// Texts with variables: a list of them while one is typed, and a preview on a real ticket.
(() => {
  const form = document.getElementById("macro-form");
  if (!form) return;

  const say = (text) => {
    document.getElementById("hub-live").textContent = text;
  };

  const known = JSON.parse(document.getElementById("variables").textContent);
  let ofRequest = []; // of the body of the request that the preview is on
  const offeredTo = (field) => [
    ...known,
    ...ofRequest,
    ...field.dataset.variables.split(" ").filter(Boolean).map((name) => [name, "What is entered below"]),
  ];

  // The list stands below its field. The keys work in the field, which says which choice is meant,
  // and in the list, which can be scrolled and so has the focus where somebody goes on to it.

  const list = document.createElement("ul");
  list.id = "variables-list";
  list.className = "auto-choices";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Variables");
  list.tabIndex = 0;
  let open = null; // the field that it stands below

  const meant = () => list.querySelector('[aria-selected="true"]');

  const close = () => {
    if (!open) return;
    for (const name of ["aria-controls", "aria-activedescendant"]) open.removeAttribute(name);
    open = null; // first: what is removed loses the focus, which closes
    list.remove();
  };

  const mean = (choice) => {
    meant()?.setAttribute("aria-selected", "false");
    choice.setAttribute("aria-selected", "true");
    choice.scrollIntoView({ block: "nearest" });
    for (const element of [open, list]) element.setAttribute("aria-activedescendant", choice.id);
  };

  const choiceOf = ([name, about], index) => {
    const choice = document.createElement("li");
    choice.id = `variable-${index}`;
    choice.dataset.name = name;
    choice.setAttribute("role", "option");
    choice.setAttribute("aria-selected", "false");
    const code = document.createElement("code");
    code.className = "hub-mono";
    code.textContent = name;
    const text = document.createElement("span");
    text.className = "hub-muted";
    text.textContent = about;
    choice.append(code, " ", text);
    return choice;
  };

  // What is being typed: the name before the cursor, where “{{” or “{%” is still open there.
  const OPEN = /\{[{%]((?!\}\}|%\})[^])*$/;
  const typed = (field) => {
    const before = field.value.slice(0, field.selectionStart);
    return OPEN.test(before) ? /(?:^|[^\w.|])([a-z_][\w.]*)?$/i.exec(before)?.[1] ?? null : null;
  };
  const justOpened = (field) => /\{\{\s*$/.test(field.value.slice(0, field.selectionStart));

  const begins = (each, name) =>
    each.startsWith(name) || each.split(".").some((part) => part.startsWith(name));

  const offer = (field) => {
    const name = justOpened(field) ? "" : typed(field);
    const fits = name === null ? [] : offeredTo(field).filter(([each]) => begins(each, name));
    fits.sort(([one], [other]) => other.startsWith(name) - one.startsWith(name));
    if (!fits.length || (fits.length === 1 && fits[0][0] === name)) {
      close();
      return;
    }
    if (open !== field) {
      close();
      open = field;
      field.after(list);
      field.setAttribute("aria-controls", list.id);
    }
    list.replaceChildren(...fits.map(choiceOf));
    mean(list.firstElementChild);
    say(`${fits.length} variable${fits.length === 1 ? "" : "s"}.`);
  };

  const take = (choice) => {
    const field = open;
    field.focus();
    const end = field.selectionStart;
    const start = end - (typed(field) ?? "").length;
    const { name } = choice.dataset;
    field.setRangeText(name, start, end, "end");
    close();
    const rest = field.value.slice(field.selectionStart);
    const closing = /^ ?\}\}/.exec(rest);
    const inside = /\{\{((?!\}\})[^])*$/.test(field.value.slice(0, start));
    if (closing) field.selectionStart = field.selectionEnd += closing[0].length;
    else if (inside) field.setRangeText(" }}", field.selectionStart, field.selectionStart, "end");
    say(`${name} is inserted.`);
  };

  const KEYS = {
    ArrowDown: () => mean(meant().nextElementSibling ?? list.firstElementChild),
    ArrowUp: () => mean(meant().previousElementSibling ?? list.lastElementChild),
    Enter: () => take(meant()),
    Escape: () => {
      open.focus();
      close();
    },
  };

  form.addEventListener("keydown", (event) => {
    if (!open || ![open, list].includes(event.target) || !Object.hasOwn(KEYS, event.key) || event.isComposing) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  form.addEventListener("input", ({ target }) => {
    if (target.matches("[data-variables]")) offer(target);
  });

  form.addEventListener("focusout", ({ target, relatedTarget }) => {
    const both = [open, list];
    if (both.includes(target) && !both.includes(relatedTarget)) close();
  });

  list.addEventListener("mousedown", (event) => {
    event.preventDefault(); // the field keeps the focus
    const choice = event.target.closest("li");
    if (choice) take(choice);
  });

  const insert = (field) => {
    field.focus();
    field.setRangeText("{{  }}", field.selectionStart, field.selectionEnd, "start");
    field.selectionStart = field.selectionEnd += 3;
    offer(field);
  };

  // The preview.

  const on = document.getElementById("preview-on");
  const ticket = document.getElementById("preview-ticket");
  const request = document.getElementById("preview-request");

  const tell = (output, text, kind) => {
    output.dataset.kind = kind;
    output.textContent = text;
  };

  const ask = async (field) => {
    const data = new FormData();
    const sent = { field: field.dataset.field, text: field.value, ticket: ticket.value, request: request.value };
    for (const [name, value] of Object.entries(sent)) data.append(name, value);
    for (const name of ["csrfmiddlewaretoken", "name"]) data.append(name, form.elements[name].value);
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: data });
      if (answer.redirected) return { problem: "You are no longer signed in: reload the page." };
      if (answer.ok) return await answer.json();
      return { problem: `This was not taken (${answer.status}): reload the page.` };
    } catch {
      return { problem: "The hub does not answer: try again." };
    }
  };

  const show = async (field, output) => {
    const { text, ticket: ref, problem } = await ask(field);
    if (problem) tell(output, problem, "problem");
    else tell(output, text ? `On ${ref}: ${text}` : `On ${ref} nothing is left of it.`, "text");
  };

  const tellOn = () => {
    const by = request.value ? request.selectedOptions[0].textContent : "no request";
    form.querySelectorAll("[data-on]").forEach((each) => (each.textContent = `${ticket.value || "no ticket"}, ${by}`));
  };

  const equip = (field) => {
    const tools = document.getElementById("text-tools").content.firstElementChild.cloneNode(true);
    const output = document.createElement("output");
    const label = (field.labels[0]?.textContent ?? "Value").replace("*", "").trim();
    output.className = "auto-shown";
    output.setAttribute("aria-label", `Preview of ${label}`);
    field.after(tools, output);
    field.setAttribute("aria-autocomplete", "list");
    tools.querySelector("[data-insert]").addEventListener("click", () => insert(field));
    tools.querySelector("[data-change]").addEventListener("click", () => ticket.focus());
    tools.querySelector("[data-show]").addEventListener("click", () => show(field, output));
  };

  const showTicket = () => {
    on.hidden = !form.querySelector("#chosen [data-variables]:enabled");
  };

  form.addEventListener("macro:added", ({ target }) => {
    target.querySelectorAll("[data-variables]").forEach(equip);
    tellOn();
  });
  on.addEventListener("input", tellOn);

  const learnNames = async () => {
    const chosen = request.value;
    ofRequest = [];
    if (!chosen) return;
    try {
      const answer = await fetch(`${form.dataset.names}?request=${encodeURIComponent(chosen)}`);
      const { variables } = await answer.json();
      if (request.value === chosen) ofRequest = variables;
    } catch {
      say("The names of this request could not be read.");
    }
  };
  request.addEventListener("change", learnNames);
  learnNames(); // browsers keep what was chosen before a reload
  new MutationObserver(showTicket).observe(form, { childList: true, subtree: true });
  form.querySelectorAll("[data-variables]").forEach(equip);
  showTicket();
  tellOn();
})();

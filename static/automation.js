"use strict";

(() => {
  // The statuses offered are those of the workflow chosen; of all, while none is.
  const follow = (select) => {
    const workflow = select.form.elements[select.dataset.follows];
    if (!workflow) return;
    const whole = [...select.cloneNode(true).children];
    const offer = () => {
      const chosen = select.value;
      const all = whole.map((each) => each.cloneNode(true));
      const offered = all
        .flatMap((each) => (each.matches("optgroup") ? [...each.children] : [each]))
        .filter(({ dataset }) => !dataset.workflow || dataset.workflow === workflow.value);
      select.replaceChildren(...(workflow.value ? offered : all));
      select.value = [...select.options].some(({ value }) => value === chosen) ? chosen : "";
    };
    workflow.addEventListener("change", offer);
    offer();
  };

  const followSender = (form) => {
    const { key, sender, when } = form.elements;
    const endpoint = document.getElementById("endpoint-url");
    const choices = [...when.options];

    const writeEndpoint = () => {
      const typed = encodeURIComponent(key.value.trim().toLowerCase()) || "listener_key";
      const { placeholder } = sender.selectedOptions[0].dataset;
      endpoint.textContent =
        `${endpoint.dataset.base}${typed}?find=${placeholder}&apiKey=prefix-community_API_key`;
    };

    const showStatus = () => {
      for (const part of form.querySelectorAll("[data-shown-when]")) {
        part.hidden = part.dataset.shownWhen !== when.value;
      }
    };

    // A sender tells some events only; a choice that it cannot tell gives way to its usual one.
    const offerWhen = (byHand) => {
      const { when: told, defaultWhen } = sender.selectedOptions[0].dataset;
      const chosen = when.value;
      const offered = choices.filter((option) => told.split(" ").includes(option.value));
      const kept = offered.some((option) => option.value === chosen);
      if (!byHand && !kept) return;
      when.replaceChildren(...offered);
      when.value = kept && !(byHand && chosen === "any") ? chosen : defaultWhen;
    };

    const showGuides = () => {
      for (const part of form.querySelectorAll("[data-for-sender]")) {
        part.hidden = part.dataset.forSender !== sender.value;
      }
    };

    key.addEventListener("input", writeEndpoint);
    when.addEventListener("change", showStatus);
    sender.addEventListener("change", () => {
      offerWhen(true);
      writeEndpoint();
      showStatus();
      showGuides();
    });
    offerWhen(false);
    writeEndpoint();
    showStatus();
    showGuides();
  };

  document.querySelectorAll("select[data-follows]").forEach(follow);
  const form = document.getElementById("listener-form");
  if (form) followSender(form);
})();

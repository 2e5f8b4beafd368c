"use strict";

(() => {
  // The statuses offered are those of the workflow chosen.
  const follow = (select) => {
    const workflow = select.form.elements[select.dataset.follows];
    if (!workflow) return;
    const all = [...select.querySelectorAll("option[data-workflow]")];
    const empty = select.querySelector("option:not([data-workflow])");
    const label = empty.textContent;
    const offer = () => {
      const chosen = select.value;
      const offered = all.filter((option) => option.dataset.workflow === workflow.value);
      empty.textContent = workflow.value ? label : "Choose a workflow first";
      select.replaceChildren(empty, ...offered);
      select.value = offered.some((option) => option.value === chosen) ? chosen : "";
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

  // A value is asked for by the widget of the form field chosen; without a script, by plain text.
  const followField = (part) => {
    const field = part.closest("form").elements[part.dataset.valueOf];
    if (!field) return;
    const widgets = [...part.querySelectorAll("template")];
    const plain = [...part.children].filter((each) => !widgets.includes(each));
    const empty = (inputs) => {
      for (const input of inputs) {
        if (input.type === "checkbox") input.checked = false;
        else input.value = "";
      }
    };
    const show = (chosenAnew) => {
      const widget = widgets.find((each) => each.dataset.field === field.value);
      const shown = widget ? [widget.content.cloneNode(true)] : plain;
      part.replaceChildren(...shown, ...widgets);
      if (chosenAnew) empty(part.querySelectorAll("input, select, textarea"));
    };
    field.addEventListener("change", () => show(true));
    show(false);
  };

  document.querySelectorAll("select[data-follows]").forEach(follow);
  document.querySelectorAll("[data-value-of]").forEach(followField);
  const form = document.getElementById("listener-form");
  if (form) followSender(form);
})();

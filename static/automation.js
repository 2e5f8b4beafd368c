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

  // A value is asked for by the widget of the form field chosen, or as a text with variables; without
  // a script, by that text.
  const followField = (part) => {
    const { form } = part.querySelector("textarea");
    const field = form.elements[part.dataset.valueOf];
    if (!field) return;
    const [plain, chosen, other] = ["plain", "chosen", "switch"].map((name) => part.querySelector(`[data-${name}]`));
    const text = plain.querySelector("textarea");
    const label = form.querySelector(`label[for="${text.id}"]`);
    const inputs = () => [...chosen.querySelectorAll("input, select, textarea")];
    const widget = () => part.querySelector(`template[data-field="${field.value}"]`);
    let asText = /\{[{%#]/.test(text.value);

    const show = () => {
      const shown = asText ? null : widget();
      chosen.replaceChildren(...(shown ? [shown.content.cloneNode(true)] : []));
      plain.hidden = text.disabled = Boolean(shown);
      plain.querySelector(".hub-help").hidden = Boolean(field.value) && !widget();
      other.hidden = !widget();
      other.textContent = asText ? other.dataset.asChoice : other.dataset.asText;
      const boxes = chosen.querySelector('[role="group"]'); // which says itself what it is for
      if (label) label.htmlFor = shown ? (boxes ? "" : inputs()[0].id) : text.id;
    };
    const empty = () => {
      text.value = "";
      for (const input of inputs()) {
        if (input.type === "checkbox") input.checked = false;
        else input.value = "";
      }
    };
    field.addEventListener("change", () => {
      asText = false;
      show();
      empty();
    });
    other.addEventListener("click", () => {
      const values = inputs().filter(({ type, checked }) => type !== "checkbox" || checked);
      if (!asText) text.value = values.map(({ value }) => value).join(", ");
      asText = !asText;
      show();
      (asText ? text : inputs()[0]).focus();
    });
    show();
  };

  const equip = (whole) => {
    whole.querySelectorAll("select[data-follows]").forEach(follow);
    whole.querySelectorAll("[data-value-of]").forEach(followField);
  };

  document.addEventListener("macro:added", ({ target }) => equip(target));
  equip(document);
})();

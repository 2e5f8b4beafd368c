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

  const equip = (whole) => {
    whole.querySelectorAll("select[data-follows]").forEach(follow);
    whole.querySelectorAll("[data-value-of]").forEach(followField);
  };

  document.addEventListener("macro:added", ({ target }) => equip(target));
  equip(document);
})();

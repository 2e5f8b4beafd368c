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

  document.querySelectorAll("select[data-follows]").forEach(follow);
})();

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

  document.querySelectorAll("select[data-follows]").forEach(follow);
})();

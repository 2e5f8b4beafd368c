"use strict";

// The page of a macro: what is ticked stands first, in the order in which it runs, which is changed
// by buttons or by dragging; some actions can be wanted several times.
(() => {
  const form = document.getElementById("macro-form");
  if (!form) return;

  const chosen = document.getElementById("chosen");
  const list = chosen.querySelector("[data-parts]");
  const { order } = form.elements;

  const say = (text) => {
    document.getElementById("hub-live").textContent = text;
  };

  const every = () => [...form.querySelectorAll("[data-part]")];
  const tickOf = (part) => part.querySelector(".auto-tick input");
  const nameOf = (part) => part.getAttribute("aria-label");
  const kindOf = (part) => part.dataset.part.split("-")[0];
  const numberOf = (part) => Number(part.dataset.part.split("-")[1] ?? 1);
  const homeOf = (part) => form.querySelector(`[data-group="${part.dataset.home}"] [data-parts]`);
  const placeOf = (part) => `${nameOf(part)} is ${[...list.children].indexOf(part) + 1} of ${list.children.length}`;

  const comesAfter = (part, other) =>
    other.dataset.rank - part.dataset.rank || numberOf(other) - numberOf(part);

  const goHome = (part) => {
    const home = homeOf(part);
    home.insertBefore(part, [...home.children].find((other) => comesAfter(part, other) > 0) ?? null);
  };

  const show = () => {
    const full = every().length >= Number(form.dataset.most);
    for (const part of every()) {
      part.querySelector("[data-moves]").hidden = part.parentElement !== list;
      for (const another of part.querySelectorAll("[data-another]")) {
        another.hidden = false;
        another.querySelector("button").disabled = full;
      }
    }
    for (const group of form.querySelectorAll("[data-group], #chosen")) {
      group.hidden = !group.querySelector("[data-part]");
    }
    order.value = [...list.children].map((part) => part.dataset.part).join(",");
  };

  // A part that moves stays under the eyes and keeps the focus.
  const keeping = (part, move) => {
    const focus = document.activeElement;
    const before = part.getBoundingClientRect().top;
    move();
    show();
    window.scrollBy({ top: part.getBoundingClientRect().top - before, behavior: "instant" });
    if (part.contains(focus)) focus.focus({ preventScroll: true });
  };

  const settle = (part) => {
    const ticked = tickOf(part).checked;
    if (ticked === (part.parentElement === list)) return false;
    keeping(part, () => (ticked ? list.append(part) : goHome(part)));
    return true;
  };

  form.addEventListener("change", ({ target }) => {
    const part = target.closest("[data-part]");
    if (!part || target !== tickOf(part) || !settle(part)) return;
    say(target.checked ? `${placeOf(part)}.` : `${nameOf(part)} is not done.`);
  });

  // By buttons: the neighbour moves, so that the button that was pressed keeps the focus.

  const remove = (part) => {
    const next = part.nextElementSibling ?? part.previousElementSibling;
    part.remove();
    show();
    (next ? tickOf(next) : form.elements.name).focus();
    say(`${nameOf(part)} is removed.`);
  };

  const MOVES = {
    up: (part) => part.previousElementSibling && part.after(part.previousElementSibling),
    down: (part) => part.nextElementSibling && part.before(part.nextElementSibling),
  };

  const add = (kind) => {
    const copies = every().filter((part) => kindOf(part) === kind);
    const number = Math.max(...copies.map(numberOf)) + 1;
    const blank = document.querySelector(`template[data-blank="${kind}"]`).innerHTML;
    list.insertAdjacentHTML("beforeend", blank.replaceAll("__number__", number));
    const part = list.lastElementChild;
    tickOf(part).checked = true;
    tickOf(part).dispatchEvent(new Event("change", { bubbles: true }));
    show();
    part.dispatchEvent(new CustomEvent("macro:added", { bubbles: true }));
    part.querySelector(".auto-panel :is(input, select, textarea)").focus();
    part.scrollIntoView({ block: "nearest" });
    say(`${placeOf(part)}.`);
  };

  form.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-move], [data-add]");
    if (!button) return;
    const part = button.closest("[data-part]");
    if (button.dataset.add) {
      add(button.dataset.add);
    } else if (button.dataset.move === "out") {
      remove(part);
    } else {
      keeping(part, () => MOVES[button.dataset.move](part));
      say(`${placeOf(part)}.`);
    }
  });

  // By dragging a handle over the other parts, which meanwhile show their first line alone.

  let dragged = null;

  form.addEventListener("dragstart", (event) => {
    if (!event.target.matches?.(".auto-handle")) return;
    dragged = event.target.closest("[data-part]");
    dragged.dataset.dragged = "";
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", nameOf(dragged));
    event.dataTransfer.setDragImage(dragged, 20, 20);
    setTimeout(() => dragged && keeping(dragged, () => (list.dataset.dragging = "")));
  });

  list.addEventListener("dragover", (event) => {
    if (!dragged) return;
    event.preventDefault();
    const over = event.target.closest("[data-part]");
    if (!over || over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(dragged);
    else over.after(dragged);
  });

  list.addEventListener("drop", (event) => {
    if (dragged) event.preventDefault();
  });

  form.addEventListener("dragend", () => {
    if (!dragged) return;
    delete dragged.dataset.dragged;
    keeping(dragged, () => delete list.dataset.dragging);
    say(`${placeOf(dragged)}.`);
    dragged = null;
  });

  every().forEach(settle); // a browser may remember ticks of before
  show();
})();

"use strict";

(() => {
  const say = (text) => {
    const region = document.getElementById("hub-live");
    if (region) region.textContent = text;
  };

  // Plain http has no clipboard: there the old command copies.
  const copyText = async (text) => {
    if (navigator.clipboard && window.isSecureContext) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch {
        // refused: try the old way
      }
    }
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  };

  const copyFrom = async (button) => {
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : null;
    const text = button.dataset.copyText ?? source?.value ?? source?.textContent.trim() ?? "";
    const copied = await copyText(text);
    const label = button.querySelector("[data-copy-label]") ?? button;
    const before = button.dataset.label ?? label.textContent;
    button.dataset.label = before;
    label.textContent = copied ? "Copied" : "Press Ctrl+C";
    say(copied ? "Copied to the clipboard." : "Select the text and press Ctrl+C.");
    if (!copied && source) {
      source.select?.();
      window.getSelection().selectAllChildren(source);
    }
    button.focus();
    setTimeout(() => (label.textContent = before), 2000);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-text]");
    if (button) copyFrom(button);
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  const reveal = (box) => {
    const part = document.querySelector(box.dataset.reveal);
    if (part) part.hidden = !box.checked;
    box.setAttribute("aria-expanded", String(box.checked));
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-reveal]")) reveal(event.target);
  });

  // While a filter form changes: how many tickets it would find.
  let waiting;
  const count = (form) => {
    const query = new URLSearchParams(new FormData(form)); // less what is empty, see below
    query.set("count", "");
    fetch(`?${query}`)
      .then((answer) => answer.json())
      .then(({ count, problem }) => {
        const output = document.querySelector(form.dataset.count);
        output.textContent = problem || `${count} ticket${count === 1 ? "" : "s"} would match`;
      })
      .catch(() => {});
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-count]");
    if (!form) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => count(form), 300);
  });

  // The theme hangs clicks on spans, divs and headings: give those a name, a tab stop and keys.
  const NAMES = {
    dock_to_right: "Show or hide the menu",
    close: "Close the menu",
    unfold_more: "Account menu",
    filter_list: "Filters",
    more_vert: "More actions",
    more_horiz: "More actions",
  };

  const nameOf = (element) => {
    const icon = element.querySelector(".material-symbols-outlined") ?? element;
    const symbol = icon.textContent.trim();
    const rest = element.textContent.replace(symbol, "").trim();
    return rest.replace(/\s+/g, " ") || NAMES[symbol] || symbol.replaceAll("_", " ");
  };

  const opensByKeyboard = (element) => {
    if (element.dataset.keyed || element.hasAttribute("tabindex")) return;
    if (element.matches("a[href], button, input, select, textarea, label, form, nav, li, tr, td")) return;
    if (element.querySelector("a[href], button, input, select, textarea")) return;
    element.dataset.keyed = "yes";
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    if (!element.hasAttribute("aria-label")) element.setAttribute("aria-label", nameOf(element));
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      element.click();
    });
  };

  const shim = () =>
    document
      .querySelectorAll("div, span, h2, h3, a:not([href])")
      .forEach((element) => element.hasAttribute("x-on:click") && opensByKeyboard(element));

  // Its search box has no name, and its list holds more than items.
  const nameSelect2 = () =>
    document.querySelectorAll(".select2-container").forEach((box) => {
      const select = box.previousElementSibling;
      const label = select?.labels?.[0]?.textContent.replace("*", "").trim();
      box.querySelector("ul")?.setAttribute("role", "presentation");
      box.querySelectorAll("input").forEach((input) => input.setAttribute("aria-label", label || "Search"));
    });

  // Icons are letters in a font: nobody should hear “dashboard Overview”.
  const hushIcons = () =>
    document.querySelectorAll("#nav-sidebar a .material-symbols-outlined").forEach((icon) => {
      icon.setAttribute("aria-hidden", "true");
      const link = icon.closest("a");
      if (link.textContent.trim() === icon.textContent.trim()) link.setAttribute("aria-label", "Home");
    });

  // Fields that were left empty stay out of the address.
  document.addEventListener("formdata", ({ target, formData }) => {
    if (target.method !== "get") return;
    for (const [name, value] of [...formData]) {
      if (value === "" && name !== "count") formData.delete(name);
    }
  });

  // The theme would write a file's name into a text field beside it, which ours do not have.
  const leaveFilesAlone = () =>
    document.querySelectorAll(".hub-page input[type=file]").forEach((input) => (input.hasChangeListener = true));

  // On a phone the tab of the page itself may lie outside of what is seen.
  const showCurrentTab = () => {
    const tab = document.querySelector(".hub-tabs [aria-current]");
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
  };

  // A field that has a meaning only while another has a certain value: data-while="event=modified".
  const showWhile = (field) => {
    const [name, wanted] = field.dataset.while.split("=");
    const other = field.form.elements[name];
    const show = () => (field.closest(".hub-field").hidden = other.value !== wanted);
    other.addEventListener("change", show);
    show();
  };

  const start = () => {
    shim();
    document.querySelectorAll("[data-while]").forEach(showWhile);
    showCurrentTab();
    leaveFilesAlone();
    hushIcons();
    document.querySelectorAll("[data-reveal]").forEach(reveal);
    document.getElementById("search-input-command")?.setAttribute("aria-label", "Search");
  };

  document.addEventListener("DOMContentLoaded", start);
  window.addEventListener("resize", showCurrentTab);
  window.addEventListener("load", () => {
    nameSelect2();
    new MutationObserver(nameSelect2).observe(document.body, { childList: true, subtree: true });
  });
  document.addEventListener("alpine:initialized", shim);
  document.addEventListener("htmx:afterSwap", shim);
})();

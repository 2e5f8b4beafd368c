"use strict";

// The page of an external listener: it shows what suits the sender and the listener type, edits the
// status table, and tries the form on a pasted request.
(() => {
  const form = document.getElementById("listener-form");
  if (!form) return;

  const { key, sender, type, when } = form.elements;
  const event = form.elements.event_expression;
  const status = form.elements.status_expression;

  const say = (text) => {
    document.getElementById("hub-live").textContent = text;
  };

  // What the sender, or an expression in its place, tells: kinds of events, and what is new itself.

  const THINGS = ["status", "comment"];
  const tells = (element) => (element.dataset.tells ?? "").split(" ").filter(Boolean);
  const isGiven = (field) => field.value.trim() !== "";

  const told = () => {
    const own = tells(sender.selectedOptions[0]);
    const things = own.filter((word) => THINGS.includes(word));
    let kinds = own;
    if (isGiven(status)) {
      things.push("status");
      kinds = tells(status);
    }
    if (isGiven(event)) kinds = tells(event);
    return new Set([...things, ...kinds.filter((word) => !THINGS.includes(word))]);
  };

  // A choice that the sender cannot tell gives way; one that came wrong from the server stays.
  const offering = (select) => {
    const choices = [...select.options];
    return (fallback, mayReplace) => {
      const known = told();
      const chosen = select.value;
      const offered = choices.filter(({ dataset }) => !dataset.needs || known.has(dataset.needs));
      const kept = offered.some((option) => option.value === chosen);
      if (!kept && !mayReplace) return;
      select.replaceChildren(...offered);
      select.value = kept ? chosen : fallback;
    };
  };
  const offerWhen = offering(when);
  const offerType = offering(type);
  const usualWhen = () => sender.selectedOptions[0].dataset.defaultWhen;

  const table = form.querySelector(".auto-rows tbody");
  const isFilled = (row) => [...row.querySelectorAll("input, select")].some(isGiven);

  const showParts = () => {
    const known = told();
    for (const part of form.querySelectorAll("[data-for-type]")) {
      part.hidden = !part.dataset.forType.split(" ").includes(type.value);
    }
    for (const part of form.querySelectorAll("[data-shown-when]")) {
      part.hidden = part.dataset.shownWhen !== when.value;
    }
    for (const part of form.querySelectorAll("[data-for-sender]")) {
      part.hidden = part.dataset.forSender !== sender.value;
    }
    for (const part of form.querySelectorAll("details[data-needs]")) {
      part.hidden = !known.has(part.dataset.needs) && ![...table.rows].some(isFilled);
    }
  };

  const endpoint = document.getElementById("endpoint-url");
  const writeEndpoint = () => {
    const typed = encodeURIComponent(key.value.trim().toLowerCase()) || "listener_key";
    const { placeholder } = sender.selectedOptions[0].dataset;
    const find = placeholder ? `find=${placeholder}&` : "";
    endpoint.textContent = `${endpoint.dataset.base}${typed}?${find}apiKey=prefix-community_API_key`;
  };

  key.addEventListener("input", writeEndpoint);
  when.addEventListener("change", showParts);
  type.addEventListener("change", showParts);
  sender.addEventListener("change", () => {
    offerWhen(usualWhen(), true);
    if (when.value === "any") when.value = usualWhen();
    offerType("macro", true);
    if (!tells(sender.selectedOptions[0]).length) {
      document.getElementById("expressions").open = true;
    }
    writeEndpoint();
    showParts();
  });
  for (const expression of [event, status]) {
    expression.addEventListener("input", () => {
      offerWhen("any", true);
      showParts();
    });
  }

  // The status table: rows are moved by buttons; their order on the page is what is saved.

  const MOST_ROWS = 50;
  const add = form.querySelector("[data-add-row]");
  const blank = table.querySelector("[data-blank]").cloneNode(true);
  blank.removeAttribute("data-blank");

  const ready = (row) => {
    row.querySelector("[data-moves]").hidden = false;
  };

  const showTable = () => {
    table.closest(".hub-scroll").hidden = table.rows.length === 0;
    add.disabled = table.rows.length >= MOST_ROWS;
  };

  const placeOf = (row) => `row ${[...table.rows].indexOf(row) + 1} of ${table.rows.length}`;

  // The neighbour moves, so that the button that was pressed keeps the focus.
  const MOVES = {
    up: (row) => row.previousElementSibling && row.after(row.previousElementSibling),
    down: (row) => row.nextElementSibling && row.before(row.nextElementSibling),
  };

  const take = (row) => {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    showTable();
    (next?.querySelector('[data-move="out"]') ?? add).focus();
    say("The row is removed.");
    showParts();
  };

  table.addEventListener("click", (click) => {
    const button = click.target.closest("[data-move]");
    if (!button) return;
    const row = button.closest("tr");
    if (button.dataset.move === "out") {
      take(row);
    } else {
      MOVES[button.dataset.move](row);
      say(`Now ${placeOf(row)}.`);
    }
  });

  add.addEventListener("click", () => {
    const row = blank.cloneNode(true);
    ready(row);
    table.append(row);
    showTable();
    row.querySelector("input").focus();
    say(`Added ${placeOf(row)}.`);
  });

  table.querySelectorAll("[data-blank]").forEach((row) => row.remove());
  [...table.rows].forEach(ready);
  add.hidden = false;

  // Trying the form, as it stands, on a request.

  const trial = document.getElementById("trial-form");
  const panel = form.querySelector("[data-trial]");
  const outcome = document.getElementById("trial-outcome");
  const button = panel.querySelector("[data-try]");

  const complain = (text) => {
    const note = document.createElement("div");
    note.className = "hub-note";
    note.dataset.kind = "error";
    note.textContent = text;
    outcome.replaceChildren(note);
  };

  const tryOut = async () => {
    const data = new FormData(form);
    for (const [name, value] of new FormData(trial)) data.append(name, value);
    button.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(trial.action, { method: "POST", body: data });
      if (answer.redirected) complain("You are no longer signed in: reload the page.");
      else if (answer.ok) outcome.innerHTML = await answer.text();
      else complain(`This was not taken (${answer.status}): is the body larger than ${panel.dataset.limit} bytes?`);
    } catch {
      complain("The hub does not answer: try again.");
    }
    button.removeAttribute("aria-busy");
  };

  const TELLING = /^(x-(?!forwarded)|idempotency-key)/i;

  const paste = async (address) => {
    try {
      const { body, headers, find } = await (await fetch(address)).json();
      const lines = Object.entries(headers).filter(([name]) => TELLING.test(name));
      document.getElementById("trial_body").value = body;
      document.getElementById("trial_find").value = find;
      document.getElementById("trial_headers").value = lines
        .map(([name, value]) => `${name}: ${value}`)
        .join("\n");
    } catch {
      complain("That request cannot be read any more: reload the page.");
      return;
    }
    tryOut();
  };

  button.addEventListener("click", tryOut);
  for (const recorded of panel.querySelectorAll("[data-paste]")) {
    recorded.addEventListener("click", () => paste(recorded.dataset.paste));
  }
  panel.hidden = false;

  offerWhen(usualWhen(), false);
  offerType("macro", false);
  writeEndpoint();
  showTable();
  showParts();
})();

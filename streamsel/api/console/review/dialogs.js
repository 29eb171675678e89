/** Dialogs: skipping and handing on need a reason. What was typed is kept until it is sent. */

import { byId, element } from "../shared/dom.js";

const REASONS = ["I am unsure", "Something needed is missing", "None of the labels fits"];
const drafts = new Map(); // by dialog and query id

/** Every dialog closes by its button; Escape closes it anyway. */
export function offerDialogs(decide) {
  for (const cancel of document.querySelectorAll("dialog .cancel")) {
    cancel.addEventListener("click", () => cancel.closest("dialog").close());
  }
  for (const act of ["skip", "escalate"]) offerReason(act, decide);
  byId("skip-reasons").append(...REASONS.map(reasonButton));
  byId("skip-dialog").addEventListener("keydown", (event) => {
    const reason = event.target.matches("input") ? null : byId("skip-reasons").children[Number(event.key) - 1];
    reason?.click();
  });
  byId("escalate-reason").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    byId("escalate-form").requestSubmit();
  });
}

function reasonButton(reason, index) {
  const made = element("button", "", element("kbd", "", String(index + 1)), reason);
  made.type = "button";
  made.addEventListener("click", () => {
    byId("skip-reason").value = reason;
    byId("skip-form").requestSubmit();
  });
  return made;
}

function offerReason(act, decide) {
  const dialog = byId(`${act}-dialog`);
  const field = byId(`${act}-reason`);
  field.addEventListener("input", () => drafts.set(dialog.dataset.draft, field.value));
  byId(`${act}-form`).addEventListener("submit", (event) => {
    event.preventDefault();
    const reason = field.value.trim();
    if (!reason) {
      byId(`${act}-error`).textContent = "Say in a few words why.";
      field.focus();
      return;
    }
    drafts.delete(dialog.dataset.draft);
    dialog.close();
    decide(act, { reason });
  });
}

/** Asks why to skip or escalate this query; goes on where it was left. */
export function askReason(act, { query_id }) {
  const dialog = byId(`${act}-dialog`);
  dialog.dataset.draft = `${act} ${query_id}`;
  byId(`${act}-reason`).value = drafts.get(dialog.dataset.draft) ?? "";
  byId(`${act}-error`).textContent = "";
  dialog.showModal();
  if (act === "skip") byId("skip-reasons").firstElementChild.focus();
}

/** The event they were about is not on show any more. */
export function closeReasons() {
  for (const act of ["skip", "escalate"]) byId(`${act}-dialog`).close();
}

/** Reviewers: how they do, and pausing them. */

import { call } from "../shared/client.js";
import { button, byId, element } from "../shared/dom.js";
import { duration, percent, timeOfDay } from "../shared/formats.js";
import { notify } from "../shared/notices.js";
import { fillTable } from "./table.js";

const known = (value, write) => (value === null ? "–" : write(value));
const whole = (value) => Math.round(value).toLocaleString();

const COLUMNS = [
  ["Name", person, false],
  ["In hand", ({ held }) => whole(held), true],
  ["Answered", ({ answered }) => whole(answered), true],
  ["An hour", ({ answered_per_hour }) => whole(answered_per_hour), true],
  ["Time for one", ({ median_seconds }) => known(median_seconds, duration), true],
  ["Agreement", ({ agreement }) => known(agreement, percent), true],
  ["Known answers", ({ gold_accuracy }) => known(gold_accuracy, percent), true],
];

/** `changed` is called once a reviewer was paused or resumed. */
export function showReviewers(reviewers, changed) {
  fillTable(byId("reviewers"), [...COLUMNS, ["", (reviewer) => control(reviewer, changed), false]], reviewers);
  byId("reviewers-none").textContent = reviewers.length ? "" : "Nobody has been at the desk yet.";
}

function person({ name, live, paused, on_break_until }) {
  const rests = on_break_until > Date.now() / 1000 ? `on a break until ${timeOfDay(new Date(on_break_until * 1000))}` : "";
  const state = paused ? `paused: ${paused}` : rests || (live ? "at work" : "away");
  const dot = element("span", `dot ${paused ? "paused" : live ? "live" : ""}`);
  dot.ariaHidden = "true";
  return element("span", "person", dot, element("span", "", element("b", "", name), element("span", "quiet", state)));
}

function control({ name, paused }, changed) {
  const act = async () => {
    if (!paused) return ask(name, changed);
    await tell(() => call("POST", `v1/reviewers/${encodeURIComponent(name)}/resume`), `${name} may go on.`);
    return changed();
  };
  const made = button(paused ? "Resume" : "Pause", act, "secondary");
  made.setAttribute("aria-label", `${paused ? "Resume" : "Pause"} ${name}`);
  return made;
}

function ask(name, changed) {
  const dialog = byId("pause-dialog");
  byId("pause-title").textContent = `Pause ${name}`;
  byId("pause-reason").value = "";
  byId("pause-error").textContent = "";
  byId("pause-form").onsubmit = async (event) => {
    event.preventDefault();
    const reason = byId("pause-reason").value.trim();
    if (!reason) {
      byId("pause-error").textContent = "Say in a few words why.";
      byId("pause-reason").focus();
      return;
    }
    dialog.close();
    const path = `v1/reviewers/${encodeURIComponent(name)}/pause`;
    await tell(() => call("POST", path, { body: { reason } }), `${name} is paused.`);
    changed();
  };
  dialog.showModal();
}

/** Says what was done, or why it was not. */
export async function tell(act, done) {
  try {
    await act();
    notify(done);
  } catch (error) {
    if (!error.title) throw error;
    notify(error.message, "error");
  }
}

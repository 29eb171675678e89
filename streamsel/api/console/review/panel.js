/** What is shown while there is no event to show. */

import { byId } from "../shared/dom.js";
import { clock, timeOfDay } from "../shared/formats.js";

const TICK = "m38 48.5 7 7 13-14";
const CROSS = "m41 41 14 14m0-14-14 14";
const DOTS = "M40 48h.01M48 48h.01M56 48h.01";
const BARS = "M43 40v16M53 40v16";
const CUP = "M38 42h16v8a7 7 0 0 1-7 7h-2a7 7 0 0 1-7-7zm16 2h2a3 3 0 0 1 0 7h-2";

const PANELS = {
  loading: () => ({ sign: DOTS, title: "Looking for work", text: "" }),
  empty: ({ queue }) => ({
    sign: TICK,
    title: "Nothing to review",
    text:
      queue === "escalated"
        ? "Nobody has handed anything on. What reviewers escalate comes here."
        : "The model is sure about what it sees. The next event it cannot tell comes here by itself.",
    note: "Listening for the next one",
  }),
  break: ({ until }) => ({
    sign: CUP,
    title: "Time for a break",
    text: `You have been at it for a while. Work goes on at ${timeOfDay(new Date(until))}.`,
    note: `${clock(Math.max(0, until - Date.now()) / 1000)} left`,
  }),
  paused: ({ detail }) => ({
    sign: BARS,
    title: "Your work is paused",
    text: detail,
    note: "It goes on by itself once a lead resumes it",
  }),
  refused: ({ detail }) => ({ sign: BARS, title: "This queue is not yours", text: detail }),
  offline: ({ kept }) => ({
    sign: CROSS,
    title: "You are offline",
    text: kept ? `${kept} kept here and sent once you are back.` : "Work goes on once you are back.",
    note: "Waiting for the network",
  }),
  unreachable: ({ detail, kept }) => ({
    sign: CROSS,
    title: "The desk cannot be reached",
    text: kept ? `${detail} ${kept} kept here.` : detail,
    note: "Trying again",
  }),
};

/** `lack` as in `Hand`, with the `queue` worked on, and how many answers are `kept` in words. */
export function showPanel(lack) {
  const { sign, title, text, note = "" } = PANELS[lack.why](lack);
  byId("panel").dataset.why = lack.why;
  byId("panel").ariaBusy = String(lack.why === "loading");
  byId("panel-sign").setAttribute("d", sign);
  write("panel-title", title);
  write("panel-text", text);
  write("panel-note", note);
}

/** Only what is new, so that nothing is read out twice. */
function write(id, text) {
  const place = byId(id);
  if (place.textContent !== text) place.textContent = text;
}

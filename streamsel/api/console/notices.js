/** What the page says beside the event, and patience with servers that are out. */

import { Refused, Unreachable } from "./client.js";

const REST_SECONDS = 2; // before asking again when nobody answers

const notice = document.getElementById("notice");
const announcement = document.getElementById("announcement");

export const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Shows a notice until the next one; `kind` is info, warning or error. Nothing, if the text is empty. */
export function notify(text, kind = "info") {
  notice.textContent = text;
  notice.className = `notice ${kind}`;
  notice.hidden = !text;
}

/** Told to those who listen to the page rather than look at it. */
export function announce(text) {
  announcement.textContent = text;
}

/** Repeats `calling` until somebody answers who is not out of order, and says so; `kept` is what is not lost. */
export async function patiently(calling, kept = "") {
  for (let said = false; ; said = true) {
    try {
      const content = await calling();
      if (said) notify("");
      return content;
    } catch (error) {
      if (!(error instanceof Unreachable) && !(error instanceof Refused && error.status >= 500)) throw error;
      notify([reason(error), kept, "Trying again…"].filter(Boolean).join(" "), "warning");
      await pause((error.retryAfter || REST_SECONDS) + Math.random());
    }
  }
}

function reason(error) {
  if (error instanceof Refused) return error.title;
  return navigator.onLine ? "The server does not answer." : "You are offline.";
}

/** One sentence above the page, until the next one. */

import { byId } from "./dom.js";

/** Shows a notice; `kind` is info, warning or error. Nothing, if the text is empty. */
export function notify(text, kind = "info") {
  const notice = byId("notice");
  notice.textContent = text;
  notice.className = `notice ${kind}`;
  notice.hidden = !text;
}

/** From now on a mistake of the page itself is said to be one. */
export function ownUpToMistakes() {
  for (const failure of ["error", "unhandledrejection"]) {
    addEventListener(failure, () => notify("This page has met an error of its own. Please reload it.", "error"));
  }
}

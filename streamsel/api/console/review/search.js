/** Finding words in the event on show. */

import { byId, element } from "../shared/dom.js";
import { counted } from "../shared/formats.js";
import { unfold } from "./fields.js";

const PLACES = ["texts", "features", "context"];

/** Marks what the field asks for, in this event and in all that come until it is emptied. */
export function search() {
  for (const place of PLACES) unmark(byId(place));
  const asked = byId("search").value.trim();
  const count = asked ? PLACES.reduce((sum, place) => sum + mark(byId(place), asked), 0) : 0;
  byId("search-count").textContent = asked ? (count ? counted(count, "match", "matches") : "No match") : "";
}

function unmark(root) {
  for (const marked of root.querySelectorAll("mark")) {
    const parent = marked.parentNode;
    marked.replaceWith(...marked.childNodes);
    parent.normalize();
  }
}

/** Tells how many there were; what is folded around one is opened. */
function mark(root, asked) {
  const pattern = new RegExp(asked.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "giu");
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  let count = 0;
  for (const text of texts) {
    const matches = [...text.data.matchAll(pattern)];
    if (!matches.length) continue;
    count += matches.length;
    unfold(text.parentElement);
    let rest = text;
    let done = 0;
    for (const { index, 0: { length } } of matches) {
      const found = rest.splitText(index - done);
      rest = found.splitText(length);
      done = index + length;
      const marked = element("mark");
      found.replaceWith(marked);
      marked.append(found);
    }
  }
  return count;
}

/** Makes the field work; Enter leaves it, Escape empties it as well. */
export function offerSearch() {
  const field = byId("search");
  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && event.key !== "Enter") return;
    if (event.key === "Escape") field.value = "";
    search();
    field.blur();
  });
}

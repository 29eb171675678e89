/** The buttons to answer with. */

import { element } from "./event.js";

const byId = (id) => document.getElementById(id);
const KEYS = 9; // labels that have a key of their own

/** Builds a button for each label, and the guideline; `choose` is called with the name of the label. */
export function showLabels(labels, choose) {
  byId("labels").replaceChildren(...labels.map((label, index) => button(label, index, choose)));
  const explained = labels.filter(({ guideline, examples }) => guideline || examples.length);
  byId("guide").hidden = explained.length === 0;
  byId("guide-list").replaceChildren(...explained.flatMap(entry));
}

function button({ name, guideline }, index, choose) {
  const made = element("button", "label");
  made.type = "button";
  made.dataset.label = name;
  made.addEventListener("click", () => choose(name));
  if (index < KEYS) made.append(element("kbd", "", String(index + 1)));
  const words = element("span");
  words.append(element("b", "", name), element("span", "guideline", guideline));
  made.append(words);
  return made;
}

function entry({ name, guideline, examples }) {
  const explanation = element("dd");
  if (guideline) explanation.append(element("p", "guideline", guideline));
  if (examples.length) {
    const list = element("ul");
    list.append(...examples.map((example) => element("li", "", example)));
    explanation.append(list);
  }
  return [element("dt", "", name), explanation];
}

/** The label of the key pressed, if it has one. */
export function labelOf(key) {
  const digit = /^[1-9]$/.test(key) ? Number(key) : NaN;
  return byId("labels").children[digit - 1]?.dataset.label;
}

/** Whether an answer is taken now; the label `chosen` is marked while it is on its way. */
export function takeAnswers(ready, chosen = null) {
  // Not `disabled`: whoever is at a button by keyboard stays there.
  for (const each of document.querySelectorAll(".decide button")) {
    each.ariaDisabled = String(!ready);
    each.classList.toggle("chosen", chosen !== null && each.dataset.label === chosen);
  }
}

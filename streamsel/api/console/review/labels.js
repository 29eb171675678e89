/** The buttons to answer with. */

import { byId, element } from "../shared/dom.js";

const KEYS = 9; // labels that have a key of their own from the start

/** What can be done by a key for each label: [{id, name, key}]. */
export function labelActions(labels) {
  return labels.map(({ name }, index) => ({
    id: `label:${name}`,
    name: `Answer “${name}”`,
    key: index < KEYS ? String(index + 1) : "",
  }));
}

/** Builds a button for each label, and the guideline; `choose` is called with the name of the label. */
export function showLabels({ labels, guideline_url, guideline_version }, choose) {
  byId("labels").replaceChildren(...labels.map((label) => labelButton(label, choose)));
  const explained = labels.filter(({ guideline, examples }) => guideline || examples.length);
  byId("guide").hidden = explained.length === 0 && !guideline_url;
  byId("guide-list").replaceChildren(...explained.flatMap(entry));
  const link = byId("guideline-link");
  link.hidden = !guideline_url;
  if (guideline_url) link.href = guideline_url;
  byId("guideline-version").textContent = guideline_version ? `version ${guideline_version}` : "";
}

function labelButton({ name, guideline, examples }, choose) {
  const made = element("button", "label");
  made.type = "button";
  made.dataset.label = name;
  made.addEventListener("click", () => choose(name));
  const cap = element("kbd");
  cap.dataset.action = `label:${name}`;
  const words = element("span", "", element("b", "", name));
  if (guideline) words.append(element("span", "guideline", guideline));
  if (examples.length) words.append(element("span", "example", `e.g. ${examples[0]}`));
  made.append(words, cap);
  return made;
}

function entry({ name, guideline, examples }) {
  const explanation = element("dd");
  if (guideline) explanation.append(element("p", "", guideline));
  if (examples.length) explanation.append(element("ul", "", ...examples.map((each) => element("li", "", each))));
  return [element("dt", "", name), explanation];
}

/** Whether an answer is taken now. Not `disabled`: whoever is at a button by keyboard stays there. */
export function takeAnswers(ready) {
  for (const each of document.querySelectorAll(".decide button")) each.ariaDisabled = String(!ready);
}

/** Moves among the buttons by the arrow keys. */
export function moveFocus(step) {
  const buttons = [...byId("labels").children];
  const at = buttons.indexOf(document.activeElement);
  buttons.at(at === -1 ? (step > 0 ? 0 : -1) : (at + step) % buttons.length).focus();
}

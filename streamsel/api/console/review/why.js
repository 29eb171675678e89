/** Why this reviewer sees this event; untold while it might sway the answer. */

import { byId, element, track } from "../shared/dom.js";
import { percent, ruleName } from "../shared/formats.js";

const LANES = {
  uncertain: ["The model is unsure", "Its label would teach the model most."],
  explore: ["A check drawn at random", "What the model thinks of it is not told, so as not to sway you."],
  holdout: ["A check drawn at random", "No model learns from its label."],
  rule: ["A rule asks for it", "Whatever the model thinks of it."],
};

export function showWhy({ lane, probabilities, rules, utility, propensity }) {
  const [title, sentence] = LANES[lane] ?? ["", ""];
  byId("why-title").textContent = title;
  byId("why-lane").textContent = sentence;
  byId("why-lane").dataset.lane = lane;
  byId("why-rules").replaceChildren(...(rules ?? []).map((rule) => element("li", "", ruleName(rule))));
  byId("why-rules").hidden = !rules?.length;
  const numbers = [];
  if (utility !== null) numbers.push(["Worth of its label", utility]);
  if (propensity > 0) numbers.push(["Chance of being sent", propensity]);
  byId("why-numbers").replaceChildren(...numbers.map(measure));
  showOpinion(probabilities);
}

function measure([name, share]) {
  return element("li", "", element("span", "", name), track(share), element("span", "number", percent(share)));
}

/** `null` when it must not sway the reviewer; empty before the model has learned anything. */
function showOpinion(probabilities) {
  const known = Object.entries(probabilities ?? {}).sort(([, a], [, b]) => b - a);
  byId("opinion-part").hidden = known.length === 0;
  byId("opinion").replaceChildren(...known.map(measure));
}

/** Oracles other than people: what they have said, and how often people say the same. */

import { byId } from "../shared/dom.js";
import { percent } from "../shared/formats.js";
import { fillTable } from "./table.js";

const COLUMNS = [
  ["Name", ({ name }) => name, false],
  ["Answers", ({ answers }) => answers.toLocaleString(), true],
  ["Share", ({ share, cap }) => `${percent(share)} of ${percent(cap)}`, true],
  ["Agreement", agreement, true],
  ["State", ({ cut_off }) => (cut_off ? "cut off" : "answers"), false],
];

export function showOracles(oracles) {
  byId("oracles-card").hidden = !oracles.length;
  fillTable(byId("oracles"), COLUMNS, oracles);
}

function agreement({ agreement: share, checks, agreement_low: low, agreement_high: high }) {
  if (share === null) return "not checked yet";
  return `${percent(share)} (${percent(low)} – ${percent(high)}) of ${checks.toLocaleString()}`;
}

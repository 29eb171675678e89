/** What labelling brought lately, and what has changed in the stream. */

import { byId, element } from "../shared/dom.js";
import { age, duration, moment, percent, timeOfDay } from "../shared/formats.js";
import { fillTable } from "./table.js";

const MOST_SHOWN = 8;
const CHANGES = {
  inputs: ({ what }) => `${what} has changed`,
  predictions: () => "What is predicted has changed",
  errors: ({ value }) => `Errors rose by ${points(value)}`,
};
const known = (value, write) => (value === null ? "–" : write(value));

/** A difference of shares. */
function points(value) {
  const shown = (value * 100).toLocaleString(undefined, { maximumFractionDigits: 1, signDisplay: "exceptZero" });
  return `${shown} points`;
}

const COLUMNS = [
  ["Until", ({ until }) => timeOfDay(new Date(until * 1000)), false],
  ["Labels", ({ labels }) => labels.toLocaleString(), true],
  ["Reviewing", ({ reviewer_hours }) => duration(reviewer_hours * 3600), true],
  ["Accuracy", ({ accuracy }) => known(accuracy.value, percent), true],
  ["Gain a hundred", ({ gain_per_hundred_labels }) => known(gain_per_hundred_labels, points), true],
  ["Gain an hour", ({ gain_per_reviewer_hour }) => known(gain_per_reviewer_hour, points), true],
  ["Mistakes, chosen", ({ mistakes_chosen }) => known(mistakes_chosen, percent), true],
  ["Mistakes, random", ({ mistakes_random }) => known(mistakes_random, percent), true],
];

/** `rounds`: of GET /v1/evaluation, oldest first; the latest is shown first. */
export function showRounds({ rounds, resting_since }) {
  fillTable(byId("quality-rounds"), COLUMNS, rounds.slice(-MOST_SHOWN).reverse());
  byId("rounds-none").textContent = resting_since
    ? `Labels have stopped to pay: since ${moment(new Date(resting_since * 1000))} only random draws are asked about.`
    : rounds.length
      ? ""
      : "Fewer than a hundred labels tell of it yet.";
}

/** `drifts`: of GET /v1/evaluation, oldest first; the latest is shown first. */
export function showDrifts({ drifts }) {
  const latest = drifts.slice(-MOST_SHOWN).reverse();
  byId("quality-drifts").replaceChildren(
    ...latest.map((drift) => {
      const where = drift.segment ? `: ${drift.segment}` : "";
      const when = element("span", "quiet", age(new Date(drift.at * 1000)));
      return element("li", "", element("b", "", CHANGES[drift.kind](drift) + where), " ", when);
    }),
  );
  byId("drifts-none").textContent = drifts.length ? "" : "Nothing that was noticed.";
}

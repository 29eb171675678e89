/** How good the model is over all events, told from the labels it chose itself. */

import { byId, element } from "../shared/dom.js";
import { counted, percent } from "../shared/formats.js";
import { fillTable } from "./table.js";

const WINDOWS = { day: "the last day", hour: "the last hour", labels: "the last 1,000 labels", start: "all time" };
const MEASURES = {
  accuracy: "Accuracy",
  precision: "Precision",
  recall: "Recall",
  f1: "F1",
  roc_auc: "ROC AUC",
  average_precision: "Average precision",
  log_loss: "Log loss, nats",
  calibration_error: "Calibration error",
  cost: "Cost of an event",
};
const PLAIN = new Set(["log_loss", "calibration_error", "cost"]);

let last = { windows: {} };

/** Fills the choice of windows. */
export function offerWindows() {
  const select = byId("quality-window");
  if (select.options.length) return;
  for (const [value, text] of Object.entries(WINDOWS)) {
    const option = element("option", "", text);
    option.value = value;
    select.append(option);
  }
  select.addEventListener("change", () => showQuality(last));
}

/** `evaluation`: as GET /v1/evaluation gives it. */
export function showQuality(evaluation) {
  last = evaluation;
  const shown = evaluation.windows[byId("quality-window").value];
  byId("quality-tables").hidden = !shown;
  byId("quality-text").textContent = shown
    ? said(shown)
    : "Nothing is known yet: the first queries must be old enough that no answer to them is awaited.";
  if (!shown) return;
  const { measures } = shown.whole;
  const known = Object.keys(MEASURES).filter((name) => measures[name]);
  fillTable(byId("quality-measures"), MEASURE_COLUMNS, known.map((name) => ({ name, ...measures[name] })));
  fillTable(byId("quality-parts"), PART_COLUMNS, [
    ...Object.entries(shown.labels).map(([label, of]) => ({ name: `Label ${label}`, first: of.recall, second: of.precision })),
    ...Object.entries(shown.segments).map(([name, cell]) => ({ name, of: cell, accuracy: cell.measures.accuracy })),
  ]);
}

function said({ whole, prequential }) {
  const missing = whole.asked - whole.answered;
  return [
    `${counted(whole.events, "event")}, of which ${whole.asked.toLocaleString()} were asked about`,
    missing ? ` and ${missing.toLocaleString()} never answered, which widens the intervals.` : ".",
    whole.unreached ? ` ${counted(whole.unreached, "event")} beside these could not have been asked about.` : "",
    prequential.accuracy === null
      ? ""
      : ` The labels alone, chosen for being hard, would say an accuracy of ${percent(prequential.accuracy)}.`,
  ].join("");
}

const MEASURE_COLUMNS = [
  ["Measure, over all events", ({ name }) => MEASURES[name], false],
  ["Estimate", ({ name, value }) => written(name, value), true],
  ["95 % interval", ({ name, low, high }) => interval(name, low, high), true],
];

const PART_COLUMNS = [
  ["Part", ({ name }) => element("b", "", name), false],
  ["Accuracy", ({ accuracy }) => within("accuracy", accuracy), true],
  ["Recall", ({ first }) => within("recall", first), true],
  ["Precision", ({ second }) => within("precision", second), true],
  ["Answered", ({ of }) => (of ? of.answered.toLocaleString() : ""), true],
];

function within(name, estimate) {
  if (!estimate) return "";
  return element("span", "", written(name, estimate.value), " ", element("span", "quiet", interval(name, estimate.low, estimate.high)));
}

function interval(name, low, high) {
  return low === null ? "–" : `${written(name, low)} – ${written(name, high)}`;
}

function written(name, value) {
  if (value === null) return "–";
  if (PLAIN.has(name)) return value.toLocaleString(undefined, { maximumFractionDigits: 3 });
  return value.toLocaleString(undefined, { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

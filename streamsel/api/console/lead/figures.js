/** The desk at a glance, and how it got there. */

import { byId, element, track } from "../shared/dom.js";
import { counted, duration, ruleName } from "../shared/formats.js";
import { lineChart } from "./chart.js";

const LANES = { uncertain: "The model is unsure", explore: "Drawn at random, as a check", rule: "A rule asks for it" };
const SMALL = { width: 360, height: 110, left: 64 };
const whole = (value) => Math.round(value).toLocaleString();

export function showFigures(status) {
  const { backlog, target_backlog, oldest_seconds, live_reviewers, completions_per_second, mean_review_seconds } = status;
  const figures = [
    ["Open", whole(backlog), `target ${whole(target_backlog)}`, backlog > 2 * target_backlog],
    ["Oldest", duration(oldest_seconds), "", false],
    ["Reviewers at work", whole(live_reviewers), "", live_reviewers === 0 && backlog > 0],
    ["Answers an hour", whole(completions_per_second * 3600), "", false],
    ["Time for one", mean_review_seconds === null ? "–" : duration(mean_review_seconds), "", false],
    ["Given up", whole(status.dead_total), `${whole(status.expired_total)} expired`, false],
  ];
  byId("figures").replaceChildren(
    ...figures.map(([name, value, beside, alarming]) => {
      const shown = element("dd", alarming ? "alarming" : "", element("b", "", value));
      if (beside) shown.append(" ", element("span", "quiet", beside));
      return element("div", "card", element("dt", "", name), shown);
    }),
  );
  showLanes(status);
}

function showLanes({ waiting, leased }) {
  const counts = Object.keys(LANES).map((lane) => [LANES[lane], (waiting[lane] ?? 0) + (leased[lane] ?? 0)]);
  byId("lanes").replaceChildren(...counts.map(([name, count]) => share(name, count, counts)));
}

/** `queries`: those that wait or are in hand. */
export function showRules(queries) {
  const counts = new Map();
  for (const { query } of queries) {
    for (const rule of query.rules ?? []) counts.set(rule, (counts.get(rule) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  byId("rules").replaceChildren(...sorted.map(([rule, count]) => share(ruleName(rule), count, sorted)));
  byId("rules-none").textContent = sorted.length ? "" : "None has a say in what is open.";
}

function share(name, count, all) {
  const most = Math.max(1, ...all.map(([, each]) => each));
  return element("li", "", element("span", "", name), track(count / most), element("span", "number", whole(count)));
}

/** `history`: {target_backlog, points: [{at, backlog, oldest_seconds, completions_per_second}]}, oldest first. */
export function showHistory({ target_backlog, points }) {
  const over = (name, factor = 1) => points.map((point) => [point.at, point[name] * factor]);
  const backlog = over("backlog");
  const above = backlog.filter(([, value]) => value > target_backlog).length;
  byId("backlog-text").textContent =
    points.length < 2
      ? "Nothing is known yet: the first figures come within a minute."
      : `Above its target for ${Math.round((above / points.length) * 100)} % of the time shown, ${counted(Math.max(...backlog.map(([, value]) => value)), "event")} at most.`;
  draw("backlog-chart", backlog, { title: "Backlog over time, against its target", write: whole, target: target_backlog });
  draw("age-chart", over("oldest_seconds"), { title: "Age of the oldest event over time", write: duration, ...SMALL });
  const done = over("completions_per_second", 60);
  const write = (value) => value.toLocaleString(undefined, { maximumFractionDigits: 1 });
  draw("done-chart", done, { title: "Answers a minute over time", write, ...SMALL });
}

function draw(id, points, options) {
  byId(id).replaceChildren(lineChart(points, options));
}

/** A line over time, with its area, an optional target, and axes that name only what is needed. */

import { svg } from "../shared/dom.js";
import { timeOfDay } from "../shared/formats.js";

const BOTTOM = 22;
const TOP = 8;

/**
 * `points` as [seconds since 1970, value], in order; `write` says a value; `target` is a value to compare with.
 * `title` is what those hear who do not see it.
 */
export function lineChart(points, { title, write, target, width = 720, height = 200, left = 44 }) {
  const right = width - 8;
  const chart = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  if (points.length < 2) return chart;
  const [from, to] = [points[0][0], points.at(-1)[0]];
  const top = roundUp(Math.max(...points.map(([, value]) => value), target ?? 0, 1));
  const x = (at) => left + ((at - from) / (to - from || 1)) * (right - left);
  const y = (value) => TOP + (1 - value / top) * (height - TOP - BOTTOM);

  for (const share of [0, 0.5, 1]) {
    chart.append(
      svg("line", { class: "grid", x1: left, x2: right, y1: y(top * share), y2: y(top * share) }),
      svg("text", { class: "axis", x: left - 8, y: y(top * share) + 4, "text-anchor": "end" }, write(top * share)),
    );
  }
  const line = points.map(([at, value]) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
  chart.append(
    svg("path", { class: "area", d: `M${line}L${x(to)} ${y(0)}L${x(from)} ${y(0)}Z` }),
    svg("path", { class: "line", d: `M${line}` }),
  );
  if (target !== undefined) {
    chart.append(
      svg("line", { class: "target", x1: left, x2: right, y1: y(target), y2: y(target) }),
      svg("text", { class: "axis target-name", x: left + 6, y: y(target) - 6 }, `target ${write(target)}`),
    );
  }
  for (const [at, anchor] of [[from, "start"], [(from + to) / 2, "middle"], [to, "end"]]) {
    const when = timeOfDay(new Date(at * 1000));
    chart.append(svg("text", { class: "axis", x: x(at), y: height - 4, "text-anchor": anchor }, when));
  }
  return chart;
}

/** The next of 1, 2, 5 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

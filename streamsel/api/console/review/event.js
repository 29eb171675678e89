/** Shows one event. Everything in it comes from outside and is only ever set as text. */

import { byId, element } from "../shared/dom.js";
import { age, moment } from "../shared/formats.js";
import { fieldList } from "./fields.js";
import { search } from "./search.js";
import { showWhy } from "./why.js";

const LONG_TEXT = 80; // characters from which a value is prose rather than a field

export function showEvent({ query, attempt }) {
  byId("event-id").textContent = query.event_id;
  byId("attempt").textContent = attempt > 1 ? `Claimed ${attempt} times` : "";
  showTime(query.timestamp ?? query.decided_at ?? NaN, query.timestamp === null);
  const features = Object.entries(query.features);
  const context = Object.entries(query.context);
  byId("texts").replaceChildren(...[...features, ...context].filter(isProse).map(prose));
  fill("features", features, query.contributions);
  byId("context-part").hidden = !fill("context", context);
  showWhy(query);
  search();
}

function showTime(seconds, decided) {
  const time = new Date(seconds * 1000);
  const known = !Number.isNaN(time.getTime());
  byId("event-time").dateTime = known ? time.toISOString() : "";
  byId("event-time").textContent = known ? moment(time) : "";
  byId("event-age").textContent = known ? `${decided ? "arrived " : ""}${age(time)}` : "";
}

function isProse([, value]) {
  return typeof value === "string" && (value.length > LONG_TEXT || value.includes("\n")) && !/^\s*[[{]/.test(value);
}

function prose([name, value]) {
  return element("figure", "prose", element("figcaption", "", name), element("blockquote", "", value));
}

/** Shows the fields that are not prose; tells whether there were any. */
function fill(id, fields, contributions = undefined) {
  const short = fields.filter((field) => !isProse(field));
  byId(id).replaceChildren(fieldList(short, contributions ?? {}));
  return short.length > 0;
}

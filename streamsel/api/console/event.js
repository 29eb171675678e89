/** Shows one event. Everything in it comes from outside and is only ever set as text. */

const byId = (id) => document.getElementById(id);

const LONG_TEXT = 80; // characters from which a value is prose rather than a field
const WHY = { uncertain: "The model is unsure", explore: "Picked at random, as a check", rule: "A rule asks for it" };

export function showEvent({ query }) {
  byId("why").textContent = [WHY[query.lane] ?? "", ...(query.rules ?? [])].join(" · ");
  byId("event-id").textContent = query.event_id;
  showTime(query.timestamp ?? query.decided_at, query.timestamp === null);
  const features = Object.entries(query.features);
  const context = Object.entries(query.context);
  byId("texts").replaceChildren(...[...features, ...context].filter(isProse).map(prose));
  fill("features", features);
  byId("context-part").hidden = !fill("context", context);
  showOpinion(query.probabilities);
}

export function showReason(reason) {
  byId("reason").textContent = reason;
  byId("reason").hidden = !reason;
}

function showTime(seconds, decided) {
  const time = new Date(seconds * 1000);
  const known = !Number.isNaN(time.getTime());
  byId("event-time").dateTime = known ? time.toISOString() : "";
  byId("event-time").textContent = known
    ? time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })
    : "";
  byId("event-age").textContent = known ? `${decided ? "arrived " : ""}${age(time)}` : "";
}

function age(time) {
  const seconds = (time - Date.now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(Math.round(seconds), "second");
}

function isProse([, value]) {
  return typeof value === "string" && (value.length > LONG_TEXT || value.includes("\n"));
}

function prose([name, value]) {
  const figure = element("figure", "prose");
  figure.append(element("figcaption", "", name), element("blockquote", "", value));
  return figure;
}

/** Fills a table with the fields that are not prose; tells whether there were any. */
function fill(id, fields) {
  const rows = fields.filter((field) => !isProse(field)).map(([name, value]) => row(name, value));
  byId(id).replaceChildren(...rows);
  return rows.length > 0;
}

function row(name, value) {
  const line = element("tr");
  const heading = element("th");
  heading.scope = "row";
  const dot = name.lastIndexOf(".") + 1;
  if (dot) heading.append(element("span", "path", name.slice(0, dot)), element("wbr"));
  heading.append(...breakable(name.slice(dot)));
  const cell = element("td", typeof value === "number" ? "number" : "", shown(name, value));
  if (cell.textContent !== String(value)) cell.title = String(value);
  line.append(heading, cell);
  return line;
}

/** Long names may break after an underscore. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((part) => [part, element("wbr")]);
}

/** Numbers are grouped and rounded for reading; the exact value is in the title. Ids stay as they are. */
function shown(name, value) {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value === "" ? "(empty)" : value;
  const size = Math.abs(Number(value));
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    const plain = size < 10_000 || /(^|[._-])(id|number|code|year|zip)$/i.test(name);
    return plain ? String(value) : value.toLocaleString();
  }
  if (size >= 1e12 || size < 1e-4) return value.toExponential(3);
  if (size < 1) return value.toLocaleString(undefined, { maximumSignificantDigits: 4 });
  return value.toLocaleString(undefined, { maximumFractionDigits: size < 100 ? 3 : 2 });
}

/** `null` when it must not sway the reviewer; empty before the model has learned anything. */
function showOpinion(probabilities) {
  const known = Object.entries(probabilities ?? {}).sort(([, a], [, b]) => b - a);
  byId("opinion-part").hidden = known.length === 0;
  byId("opinion").replaceChildren(
    ...known.map(([label, probability]) => {
      const item = element("li");
      const track = element("span", "track");
      const bar = element("span");
      bar.style.setProperty("--share", probability);
      track.append(bar);
      const percent = probability.toLocaleString(undefined, { style: "percent", maximumFractionDigits: 0 });
      item.append(element("span", "", label), track, element("span", "number", percent));
      return item;
    }),
  );
}

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

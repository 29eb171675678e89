/** Values written to be read. */

const ID = /(^|[._-])(id|number|code|year|zip|phone|account|card)$/i;
const AMOUNT = /(^|[._-])(amount|price|total|subtotal|balance|cost|fee|paid|income|revenue)s?$/i;
const TIME = /(^|[._-])(at|on|time|date|timestamp|ts|since|until)$/i;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;
const SECONDS = [946_684_800, 4_102_444_800]; // 2000 to 2100: what else a number of a time may mean is a guess

/** A field's value as text; `currency`, if known, is an ISO 4217 code. */
export function shown(name, value, currency) {
  if (value === null) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return timeIn(value) ?? (value === "" ? "(empty)" : value);
  if (typeof value === "number" && TIME.test(name) && timeOf(value)) return moment(timeOf(value));
  if (AMOUNT.test(name)) return amount(value, currency);
  return number(name, value);
}

function timeIn(text) {
  if (!ISO_TIME.test(text)) return null;
  const time = new Date(text.replace(" ", "T"));
  return Number.isNaN(time.getTime()) ? null : moment(time);
}

function timeOf(value) {
  for (const unit of [1, 1000]) {
    if (value >= SECONDS[0] * unit && value < SECONDS[1] * unit) return new Date((value / unit) * 1000);
  }
  return null;
}

function amount(value, currency) {
  if (!currency) return Number.isInteger(value) ? number("", value) : fixed(value);
  return value.toLocaleString(undefined, { style: "currency", currency });
}

const fixed = (value) =>
  value.toLocaleString(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Numbers are grouped and rounded for reading. Ids stay as they are. */
function number(name, value) {
  const size = Math.abs(Number(value));
  if (typeof value === "bigint" || Number.isSafeInteger(value)) {
    return size < 10_000 || ID.test(name) ? String(value) : value.toLocaleString();
  }
  if (size >= 1e12 || size < 1e-4) return value.toExponential(3);
  if (size < 1) return value.toLocaleString(undefined, { maximumSignificantDigits: 4 });
  return value.toLocaleString(undefined, { maximumFractionDigits: size < 100 ? 3 : 2 });
}

export const percent = (share) =>
  share.toLocaleString(undefined, { style: "percent", maximumFractionDigits: share > 0 && share < 0.1 ? 1 : 0 });

export const moment = (time) => time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });

export const timeOfDay = (time) => time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

/** How long ago, or in what time. */
export function age(time) {
  const seconds = (time - Date.now()) / 1000;
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  for (const [unit, size] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return relative.format(Math.round(seconds), "second");
}

/** A length of time, to two units at most. */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** Minutes and seconds left, as on a clock. */
export function clock(seconds) {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString()} ${count === 1 ? one : many}`;
}

/** The name of a rule, or of a quota and its group, as the reader knows it. */
export function ruleName(rule) {
  const [, name, group] = /^quota:([^:]*):(.*)$/s.exec(rule) ?? [];
  return name === undefined ? rule : `Quota ${name}: ${group}`;
}

/** The fields of an event: what moved the score first, nested ones in groups that fold. */

import { button, element } from "../shared/dom.js";
import { counted, percent, shown } from "../shared/formats.js";

const CURRENCY = /(^|[._-])currency(_code)?$/i;
const SMALL = 8; // a group of so many fields is not folded
const folds = new Map(); // by path: whether somebody folded or opened this group, for all events

/**
 * `fields` as [name, value] pairs. `contributions`, by name, say how far each moved the model's score; without
 * them the order is by name.
 */
export function fieldList(fields, contributions = {}) {
  const most = Math.max(...Object.values(contributions).map(Math.abs), Number.MIN_VALUE);
  const context = { contributions, most, currency: currencyOf(fields) };
  return list(tree(fields), "", context);
}

function currencyOf(fields) {
  const known = fields.find(([name, value]) => CURRENCY.test(name) && /^[A-Z]{3}$/.test(value));
  return known?.[1];
}

/** Fields by the first part of their names: {name, value}, or {name, children} where several share it. */
function tree(fields) {
  const groups = Map.groupBy(fields, ([name]) => head(name));
  return [...groups].map(([first, members]) => {
    const [[name, value]] = members;
    return members.length === 1 ? { name, value } : { name: first, children: members };
  });
}

const head = (name) => (isPath(name) ? name.slice(0, name.indexOf(".")) : name);

/** A dotted path of plain names; anything else with a dot in it is one name. */
const isPath = (name) => /^[^\s.<>]+(\.[^\s.<>]+)+$/.test(name);

function list(nodes, path, context) {
  const weigh = ({ name, children }) =>
    Math.max(...(children ?? [[name]]).map(([each]) => Math.abs(context.contributions[path + each] ?? 0)));
  const ordered = nodes
    .map((node) => ({ ...node, weight: weigh(node) }))
    .sort((one, other) => other.weight - one.weight || one.name.localeCompare(other.name));
  const lines = ordered.map((node) => (node.children ? group(node, path, context) : row(node, path, context)));
  return element("dl", "fields", ...lines);
}

function group({ name, children }, path, context) {
  const whole = `${path}${name}.`;
  const inner = children.map(([child, value]) => [child.slice(name.length + 1), value]);
  const currency = currencyOf(inner) ?? context.currency;
  const body = element("dd", "", list(tree(inner), whole, { ...context, currency }));
  const fold = button("", () => turn(!body.hidden), "fold");
  const turn = (folded) => {
    body.hidden = folded;
    fold.ariaExpanded = String(!folded);
    folds.set(whole, folded);
  };
  fold.append(element("b", "", name), element("span", "quiet", counted(children.length, "field")));
  body.addEventListener("unfold", () => turn(false));
  body.hidden = folds.get(whole) ?? (children.length > SMALL || path !== "");
  fold.ariaExpanded = String(!body.hidden);
  return element("div", "group", element("dt", "", fold), body);
}

/** Opens every group and nested value around an element. */
export function unfold(inside) {
  for (let around = inside; around; around = around.parentElement) {
    if (around.matches("dd[hidden]")) around.dispatchEvent(new Event("unfold"));
    if (around.matches("details")) around.open = true;
  }
}

function row({ name, value }, path, context) {
  const cell = element("dd", "", content(name, value, context));
  const contribution = context.contributions[path + name];
  if (contribution) cell.append(push(contribution, context.most));
  return element("div", "", heading(name), cell);
}

function heading(name) {
  const made = element("dt");
  const dot = isPath(name) ? name.lastIndexOf(".") + 1 : 0;
  if (dot) made.append(element("span", "path", name.slice(0, dot)), element("wbr"));
  made.append(...name.slice(dot).split(/(?<=_)/).flatMap((part) => [part, element("wbr")]));
  return made;
}

function content(name, value, { currency }) {
  const nested = nestedIn(value);
  if (nested) {
    const folded = element("details", "nested", element("summary", "", nested.summary));
    folded.append(element("pre", "", nested.text));
    return folded;
  }
  const made = element("data", typeof value === "number" ? "number" : "", shown(name, value, currency));
  made.value = String(value);
  if (made.textContent !== String(value)) made.title = String(value);
  return made;
}

/** JSON within a text, to be folded; null when there is none. */
function nestedIn(value) {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return null;
  try {
    const parsed = JSON.parse(value);
    const count = Object.keys(parsed).length;
    const summary = Array.isArray(parsed) ? counted(count, "entry", "entries") : counted(count, "field");
    return { summary, text: JSON.stringify(parsed, null, 2) };
  } catch {
    return null;
  }
}

/** How far a field moved the score, and to which side. */
function push(contribution, most) {
  const bar = element("span", contribution > 0 ? "up" : "down");
  bar.style.setProperty("--share", Math.abs(contribution) / most);
  const sign = contribution > 0 ? "+" : "−";
  const words = `moved the score by ${sign}${Math.abs(contribution).toPrecision(2)}`;
  const made = element("span", "push", bar, element("span", "unseen", words));
  made.title = `${words}, ${percent(Math.abs(contribution) / most)} of the largest`;
  return made;
}

/** Elements. What events contain is only ever set as text. */

export const byId = (id) => document.getElementById(id);

export function element(name, className = "", ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

export function svg(name, attributes = {}, ...content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

/** A bar filled by `share`, 0 to 1; what it says must be written beside it. */
export function track(share, className = "") {
  const bar = element("span", className);
  bar.style.setProperty("--share", Math.max(0, Math.min(1, share)));
  const whole = element("span", "track", bar);
  whole.ariaHidden = "true";
  return whole;
}

export function button(text, act, className = "") {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

/** Told to those who listen to the page rather than look at it. */
export function announce(text) {
  byId("announcement").textContent = text;
}

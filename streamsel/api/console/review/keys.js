/** Which key does what: one each, changed by the reader and remembered by the browser. */

const STORE = "streamsel.keys";
const FIXED = new Set(["Enter", " ", "Tab", "Escape", "Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Dead"]);
const NAMES = { arrowup: "↑", arrowdown: "↓", arrowleft: "←", arrowright: "→", backspace: "⌫", delete: "Del" };

/** Fires `change` when a key was given to another action. */
export class Keys extends EventTarget {
  #actions;
  #chosen;

  /** `actions`: [{id, name, key}] with the keys they have from the start. */
  constructor(actions) {
    super();
    this.#actions = actions;
    this.#chosen = JSON.parse(localStorage.getItem(STORE) ?? "{}");
  }

  get actions() {
    return this.#actions;
  }

  keyOf(id) {
    return this.#chosen[id] ?? this.#actions.find((action) => action.id === id)?.key ?? "";
  }

  /** The id of what this press of a key asks for. */
  actionOf(event) {
    const key = event.key.toLowerCase();
    return this.#actions.find(({ id }) => this.keyOf(id) === key)?.id;
  }

  /** Tells whether this key may be given to an action. */
  static may(event) {
    return !FIXED.has(event.key) && !event.key.startsWith("Arrow");
  }

  /** Gives a key to an action; what had it gets this one's. */
  give(id, key) {
    const lower = key.toLowerCase();
    const other = this.#actions.find((action) => action.id !== id && this.keyOf(action.id) === lower);
    if (other) this.#chosen[other.id] = this.keyOf(id);
    this.#chosen[id] = lower;
    this.#keep();
  }

  /** As from the start. */
  reset() {
    this.#chosen = {};
    this.#keep();
  }

  #keep() {
    localStorage.setItem(STORE, JSON.stringify(this.#chosen));
    this.dispatchEvent(new Event("change"));
  }
}

/** A key as it is written on its cap. */
export const cap = (key) => NAMES[key] ?? key.toUpperCase();

/** Writes the key of its action on every cap of the page. */
export function writeCaps(keys) {
  for (const each of document.querySelectorAll("kbd[data-action]")) {
    const key = keys.keyOf(each.dataset.action);
    each.textContent = cap(key);
    each.hidden = !key;
    const owner = each.closest("button");
    if (key) owner?.setAttribute("aria-keyshortcuts", key);
    else owner?.removeAttribute("aria-keyshortcuts");
  }
}

/** The dialog that shows all keys and changes them. */

import { byId, element } from "../shared/dom.js";
import { cap, Keys, writeCaps } from "./keys.js";

const HOW = "Press a button below, then the key you want instead.";

let asking = null; // the button that waits for its key

export function offerHelp(keys) {
  keys.addEventListener("change", () => {
    list(keys);
    writeCaps(keys);
  });
  byId("help").addEventListener("click", () => {
    stopAsking();
    list(keys);
    byId("help-dialog").showModal();
  });
  byId("keys-reset").addEventListener("click", () => keys.reset());
  byId("help-dialog").addEventListener("keydown", (event) => asking && take(event, keys));
  writeCaps(keys);
}

function list(keys) {
  byId("keys-list").replaceChildren(
    ...keys.actions.map(({ id, name }) => {
      const key = element("button", "key", element("kbd", "", cap(keys.keyOf(id)) || "none"));
      key.type = "button";
      key.dataset.id = id;
      key.setAttribute("aria-label", `${name}: ${keys.keyOf(id) || "no key"}. Change`);
      key.addEventListener("click", () => ask(key, name));
      return element("li", "", element("span", "", name), key);
    }),
    fixed("Answer with the button you are at", "Enter", "Space"),
    fixed("Go from button to button", "↑", "↓"),
    fixed("Leave a dialog", "Esc"),
  );
}

function fixed(name, ...caps) {
  return element("li", "", element("span", "", name), element("span", "", ...caps.map((each) => element("kbd", "", each))));
}

function ask(key, name) {
  asking = key;
  key.classList.add("asking");
  byId("help-text").textContent = `Press the new key for: ${name}. Escape leaves it as it is.`;
}

function stopAsking() {
  asking?.classList.remove("asking");
  asking = null;
  byId("help-text").textContent = HOW;
}

function take(event, keys) {
  if (event.key === "Tab") return stopAsking();
  event.preventDefault();
  if (event.key === "Escape") return stopAsking();
  if (!Keys.may(event)) return undefined;
  const { id } = asking.dataset;
  stopAsking();
  keys.give(id, event.key);
  byId("keys-list").querySelector(`[data-id="${CSS.escape(id)}"]`).focus();
  return undefined;
}

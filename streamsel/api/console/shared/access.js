/** Who works here: the one-time link, the form that asks for a key, and the way out. */

import { call, forgetKey, useKey } from "./client.js";
import { byId, element } from "./dom.js";
import { notify } from "./notices.js";
import { patiently } from "./waiting.js";

/** Signs in by the link's token, if the address has one; it leaves the address at once. */
export async function useLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  try {
    await patiently(() => call("POST", "v1/session", { body: { token }, renew: false }), (error) => notify(error.title, "warning"));
    notify("");
  } catch (error) {
    if (!error.status) throw error;
    notify(error.message, "error");
  }
}

/** Who works here, as the server has it; asks for a key until one is good. `show` makes way for the form. */
export async function signIn(show) {
  for (let asked = false; ; asked = true) {
    try {
      const session = await patiently(() => call("GET", "v1/session", { renew: false }), (error) => notify(error.title, "warning"));
      notify("");
      return session;
    } catch (error) {
      if (error.status !== 401 && error.status !== 403) throw error;
      show();
      byId("provider").hidden = !error.signIn;
      if (error.signIn) byId("provider-link").href = error.signIn;
      useKey(await askForKey(asked ? error.message : ""));
    }
  }
}

function askForKey(mistake) {
  forgetKey();
  const field = byId("key");
  field.value = "";
  byId("key-error").textContent = mistake;
  field.setAttribute("aria-invalid", String(Boolean(mistake)));
  field.focus();
  return new Promise((given) => {
    byId("key-form").onsubmit = (event) => {
      event.preventDefault();
      const key = field.value.trim();
      if (!/^[!-~]+$/.test(key)) {
        byId("key-error").textContent = "An API key starts with ssk_ and has no spaces.";
        field.setAttribute("aria-invalid", "true");
        return;
      }
      field.value = "";
      field.blur(); // so that the keys answer
      given(key);
    };
  });
}

/** Ends the session and forgets the key. */
export async function signOut() {
  await call("DELETE", "v1/session", { lasting: true, renew: false }).catch(() => {});
  forgetKey();
  location.reload();
}

/** What the bar says of who works here, and the way to the lead's page for those who may see it. */
export function showSession({ name, role }) {
  byId("who").textContent = name;
  byId("session").hidden = false;
  byId("pages").hidden = !["lead", "admin"].includes(role);
}

const THEMES = { "": "As the system", light: "Light", dark: "Dark" };

/** The choice between light, dark, and as the system has it. */
export function offerThemes() {
  const choice = byId("theme");
  for (const [value, name] of Object.entries(THEMES)) {
    const option = element("option", "", name);
    option.value = value;
    choice.append(option);
  }
  choice.value = document.documentElement.dataset.theme ?? "";
  choice.addEventListener("change", () => {
    choice.blur(); // so that the keys answer again
    if (choice.value) document.documentElement.dataset.theme = choice.value;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem("streamsel.theme", choice.value);
  });
}

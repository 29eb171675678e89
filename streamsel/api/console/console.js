/** The page to label by hand: sign in, then claim one query at a time and answer it. */

import { call, forgetKey, Refused, useKey } from "./client.js";
import { showEvent, showReason } from "./event.js";
import { labelOf, showLabels, takeAnswers } from "./labels.js";
import { Lease } from "./lease.js";
import { announce, notify, patiently, pause } from "./notices.js";

const WAIT_SECONDS = 25;
const QUEUE_SECONDS = 5; // between looks at the backlog
const READ_SECONDS = 0.3; // a second press, meant for the last event, must not answer the next
const MOST_SKIPPED = 20;
const COUNT = "streamsel.labelled";

const byId = (id) => document.getElementById(id);

let held = null; // the claim on show
let decide = () => {}; // decides about it
let polling = new AbortController(); // of the claim that waits
const skipped = new Set(); // query ids, shown again only when nothing else waits

function show(part) {
  for (const id of ["sign-in", "empty", "review"]) byId(id).hidden = id !== part;
  byId("bar-work").hidden = part === "sign-in";
}

// ------------------------------------------------------------------------------------------------ signing in

async function useLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  try {
    await patiently(() => call("POST", "v1/session", { body: { token } }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notify(error.message, "error");
  }
}

/** Who works here; asks for a key until one is good. */
async function signIn() {
  for (let asked = false; ; asked = true) {
    try {
      return await patiently(() => call("GET", "v1/session"));
    } catch (error) {
      if (!turnedAway(error)) throw error;
      useKey(await askForKey(asked ? error.message : ""));
      notify("");
    }
  }
}

const turnedAway = (error) => error instanceof Refused && (error.status === 401 || error.status === 403);

function askForKey(mistake) {
  forgetKey();
  show("sign-in");
  byId("key-error").textContent = mistake;
  byId("key").focus();
  return new Promise((given) => {
    byId("key-form").onsubmit = (event) => {
      event.preventDefault();
      const key = byId("key").value.trim();
      if (!/^[!-~]+$/.test(key)) {
        byId("key-error").textContent = "An API key starts with ssk_ and has no spaces.";
        return;
      }
      byId("key").value = "";
      byId("key").blur(); // so that the keys answer
      given(key);
    };
  });
}

// -------------------------------------------------------------------------------------------------- the work

async function work() {
  const { labels } = await patiently(() => call("GET", "v1/labels"));
  showLabels(labels, (name) => decide({ act: label, name }));
  byId("labelled").textContent = sessionStorage.getItem(COUNT) ?? "0";
  const looking = setInterval(look, QUEUE_SECONDS * 1000);
  try {
    for (;;) {
      look();
      await review(await next());
    }
  } finally {
    clearInterval(looking);
  }
}

/** The next claim, waited for as long as it takes while somebody can see the page. */
async function next() {
  for (let wait = 0; ; wait = WAIT_SECONDS) {
    await visible();
    polling = new AbortController();
    const queue = byId("queue").value;
    const body = { queue, count: skipped.size + 1, wait_seconds: wait };
    try {
      const claims = await patiently(() => call("POST", "v1/claims", { body, signal: polling.signal }));
      const claim = claims.find(({ query_id }) => !skipped.has(query_id)) ?? claims[0];
      await Promise.all(claims.filter((other) => other !== claim).map((other) => release(other)));
      if (claim && skipped.has(claim.query_id)) notify("Nothing else is waiting, so a skipped one is back.");
      if (claim) return claim;
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
    showEmpty(queue);
  }
}

function visible() {
  if (document.visibilityState === "visible") return Promise.resolve();
  return new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
}

function showEmpty(queue) {
  byId("empty-text").textContent =
    queue === "escalated"
      ? "Nobody has handed anything on. What reviewers escalate comes here."
      : "The model is sure about what it sees. The next event it cannot tell comes here by itself.";
  show("empty");
}

async function review(claim) {
  held = claim;
  takeAnswers(false);
  showEvent(claim);
  showReason("");
  if (claim.queue === "escalated") showWhyEscalated(claim);
  show("review");
  scrollTo(0, 0);
  announce(`Event ${claim.query.event_id}, to be answered`);
  const lease = new Lease(claim);
  try {
    await pause(READ_SECONDS);
    const { act, ...what } = await decision();
    await act(claim, what);
  } catch (error) {
    if (!(error instanceof Refused) || turnedAway(error)) throw error;
    await release(claim);
    notify(`Not counted: ${error.message}. Here is the next one.`, "warning");
  } finally {
    lease.stop();
    held = null;
  }
}

/** What somebody decides to do about the event on show. */
async function decision() {
  takeAnswers(true);
  const decided = await new Promise((done) => (decide = done));
  decide = () => {};
  takeAnswers(false, decided.name);
  notify("");
  return decided;
}

async function showWhyEscalated({ query_id }) {
  const { reason } = await call("GET", `v1/queries/${query_id}`).catch(() => ({ reason: "" }));
  if (held?.query_id === query_id) showReason(reason);
}

// ------------------------------------------------------------------------------------- what can be decided

async function label({ query_id, fence, query }, { name }) {
  const request = {
    body: { label: name, fence },
    headers: { "Idempotency-Key": `${query_id}-${fence}` },
  };
  const recorded = await patiently(() => call("PUT", `v1/claims/${query_id}/label`, request), "Your answer is kept.");
  const count = Number(sessionStorage.getItem(COUNT)) + 1;
  sessionStorage.setItem(COUNT, count);
  byId("labelled").textContent = count;
  byId("last-label").textContent = recorded.label;
  byId("last-event").textContent = query.event_id;
  byId("last").title = `Learned by model version ${recorded.model_version}`;
  byId("last").hidden = false;
}

async function skip(claim) {
  if (skipped.size === MOST_SKIPPED) skipped.delete(skipped.values().next().value);
  skipped.add(claim.query_id);
  await release(claim);
}

async function escalate({ query_id, fence }, { reason }) {
  await patiently(() => call("POST", `v1/claims/${query_id}/escalate`, { body: { fence, reason } }));
  notify("Handed on to the escalated queue.");
}

/** Gives a claim back. If nobody answers, or it is not ours any more, its lease ends by itself. */
function release({ query_id, fence }, lasting = false) {
  return call("POST", `v1/claims/${query_id}/release`, { body: { fence }, lasting }).catch(() => {});
}

async function look() {
  if (document.visibilityState !== "visible") return;
  const status = await call("GET", "v1/queue").catch(() => null);
  if (!status) return;
  byId("backlog").textContent = status.backlog;
  byId("target").textContent = status.target_backlog;
  byId("backlog-bar").style.setProperty("--share", Math.min(1, status.backlog / status.target_backlog));
  byId("backlog-bar").classList.toggle("over", status.backlog > status.target_backlog);
}

// ----------------------------------------------------------------------------------------------- the controls

function press(id, act) {
  byId(id).addEventListener("click", () => decide({ act }));
}

press("skip", skip);
byId("escalate").addEventListener("click", (event) => {
  if (event.currentTarget.ariaDisabled === "true") return;
  byId("escalate-error").textContent = "";
  byId("escalate-dialog").showModal();
});
byId("escalate-cancel").addEventListener("click", () => byId("escalate-dialog").close());
byId("escalate-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = byId("escalate-reason").value.trim();
  if (!reason) {
    byId("escalate-error").textContent = "Say in a few words why.";
    return;
  }
  byId("escalate-reason").value = "";
  byId("escalate-dialog").close();
  decide({ act: escalate, reason });
});

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, dialog");
  if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = labelOf(event.key);
  if (name) decide({ act: label, name });
  else if (event.key.toLowerCase() === "s") byId("skip").click();
  else if (event.key.toLowerCase() === "e") {
    event.preventDefault(); // or the letter lands in the dialog
    byId("escalate").click();
  }
});

byId("queue").addEventListener("change", () => {
  byId("queue").blur(); // so that the keys answer again
  decide({ act: (claim) => release(claim) });
  polling.abort();
});

byId("sign-out").addEventListener("click", async () => {
  if (held) await release(held);
  held = null;
  await call("DELETE", "v1/session").catch(() => {});
  sessionStorage.clear();
  location.reload();
});

document.addEventListener("visibilitychange", () => {
  // A page that nobody sees must not claim.
  if (document.visibilityState === "hidden") polling.abort();
});

addEventListener("pagehide", () => held && release(held, true));
addEventListener("pageshow", (event) => event.persisted && location.reload());
for (const failure of ["error", "unhandledrejection"]) {
  addEventListener(failure, () => notify("This page has met an error of its own. Please reload it.", "error"));
}

// -------------------------------------------------------------------------------------------------------- go

await useLink();
for (;;) {
  const { name } = await signIn();
  byId("who").textContent = name;
  try {
    await work();
  } catch (error) {
    if (!turnedAway(error)) throw error;
    notify("Your session has ended. Please sign in again.", "error");
  }
}

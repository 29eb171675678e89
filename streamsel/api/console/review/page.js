/** The page to label by hand: sign in, then answer one event after another by pressing keys. */

import { offerThemes, showSession, signIn, signOut, useLink } from "../shared/access.js";
import { call, whenSignedOut } from "../shared/client.js";
import { byId } from "../shared/dom.js";
import { followQueue } from "../shared/live.js";
import { notify, ownUpToMistakes } from "../shared/notices.js";
import { patiently } from "../shared/waiting.js";
import { Answers } from "./answers.js";
import { ReviewDesk } from "./desk.js";
import { offerDialogs } from "./dialogs.js";
import { Hand } from "./hand.js";
import { offerHelp } from "./help.js";
import { labelActions, moveFocus, showLabels } from "./labels.js";
import { Keys } from "./keys.js";
import { Outbox } from "./outbox.js";
import { offerSearch } from "./search.js";
import { keptIn, showAnswered, showQueue } from "./status.js";

const PARTS = ["sign-in", "panel", "review"];
const ACTIONS = [
  { id: "undo", name: "Undo the last answer", key: "z" },
  { id: "skip", name: "Skip, with a reason", key: "s" },
  { id: "escalate", name: "Escalate, with a reason", key: "e" },
  { id: "reveal", name: "Show what is sensitive", key: "v" },
  { id: "search", name: "Find in the event", key: "/" },
  { id: "answers", name: "Your last ten answers", key: "a" },
  { id: "help", name: "Show the keys", key: "?" },
];

let signedOut = true;

function show(part) {
  if (signedOut && part !== "sign-in") return;
  for (const id of PARTS) byId(id).hidden = id !== part;
  for (const id of ["bar-work", "trail"]) byId(id).hidden = part === "sign-in";
}

/** Shows the form, if need be, until somebody may work here. */
async function enter() {
  signedOut = true;
  const session = await signIn(() => show("sign-in"));
  signedOut = false;
  showSession(session);
  return session;
}

async function start() {
  ownUpToMistakes();
  offerThemes();
  await useLink();
  const session = await enter();
  const labels = await patiently(() => call("GET", "v1/labels"), (error) => notify(error.title, "warning"));
  work(session, labels);
}

function work(session, choices) {
  show("panel");
  showAnswered();
  const outbox = new Outbox(session.name);
  const hand = new Hand();
  const desk = new ReviewDesk(hand, outbox, show);
  const answers = new Answers(hand, outbox);
  const keys = new Keys([...labelActions(choices.labels), ...ACTIONS]);
  showLabels(choices, (label) => desk.decide("label", { label }));
  offerHelp(keys);
  offerDialogs((act, body) => desk.decide(act, body));
  offerSearch();
  offerQueues(hand);
  byId("sign-out").addEventListener("click", () => hand.leave().then(signOut));
  byId("skip").addEventListener("click", () => desk.ask("skip"));
  byId("escalate").addEventListener("click", () => desk.ask("escalate"));
  byId("reveal").addEventListener("click", () => desk.reveal());
  const acts = {
    undo: () => answers.undo(),
    skip: () => desk.ask("skip"),
    escalate: () => desk.ask("escalate"),
    reveal: () => desk.reveal(),
    search: () => byId("search").focus(),
    answers: () => answers.list(),
    help: () => byId("help").click(),
  };
  document.addEventListener("keydown", (event) => press(event, keys, desk, acts));
  whenSignedOut(() => signInAgain(session.name, hand, outbox, desk));
  addEventListener("pagehide", () => hand.leave());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  desk.render();
  followQueue((status) => {
    showQueue(status);
    showQueues(status.queues, session.queues);
  });
}

function press(event, keys, desk, acts) {
  // A key held down would press a button again and again.
  if (event.repeat && event.target.closest("button")) event.preventDefault();
  // A dialog that was closed keeps the keyboard until the next frame.
  const left = event.target.closest("dialog:not([open])");
  const typing = !left && event.target.closest("input, textarea, select, dialog");
  if (event.defaultPrevented || typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!event.target.closest(".labels")) return;
    event.preventDefault();
    moveFocus(event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  const action = keys.actionOf(event);
  if (!action) return;
  event.preventDefault(); // or the letter lands in the dialog it opens
  if (action.startsWith("label:")) desk.decide("label", { label: action.slice("label:".length) });
  else acts[action]();
}

/** What is in hand and what was decided waits meanwhile; for somebody else the page begins anew. */
async function signInAgain(name, hand, outbox, desk) {
  show("sign-in");
  byId("kept").textContent = outbox.size ? `${keptIn(outbox)} kept here and sent once you are back.` : "";
  notify("Your session has ended. Please sign in again.", "error");
  const session = await enter();
  if (session.name !== name) location.reload();
  notify("");
  show(hand.first ? "review" : "panel");
  desk.render();
}

/** All of the reviewer's queues together, or one. */
function offerQueues(hand) {
  const choice = byId("queue");
  choice.append(new Option("All of mine", ""));
  choice.addEventListener("change", () => {
    choice.blur(); // so that the keys answer again
    hand.turnTo(choice.value);
  });
}

/** How many wait in each: of those that the reviewer is bound to, or of all. */
function showQueues(queues, own) {
  const choice = byId("queue");
  for (const name of own ?? Object.keys(queues)) {
    const option = [...choice.options].find(({ value }) => value === name) ?? new Option(name, name);
    const waiting = queues[name]?.waiting ?? 0;
    option.text = waiting ? `${name} (${waiting.toLocaleString()})` : name;
    choice.append(option);
  }
}

await start();

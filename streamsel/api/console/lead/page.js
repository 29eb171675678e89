/** The lead's page: how the desk does, who is at it, and what needs a decision. */

import { offerThemes, showSession, signIn, signOut } from "../shared/access.js";
import { call, whenSignedOut } from "../shared/client.js";
import { byId } from "../shared/dom.js";
import { followQueue } from "../shared/live.js";
import { notify, ownUpToMistakes } from "../shared/notices.js";
import { beforeTryingAgain, pause, seen } from "../shared/waiting.js";
import { showFigures, showHistory, showRules } from "./figures.js";
import { showDisputes, showHeld, showQueues } from "./open.js";
import { showOracles } from "./oracles.js";
import { offerWindows, showQuality } from "./quality.js";
import { showReviewers } from "./people.js";
import { showDrifts, showRounds } from "./worth.js";

const LOOK_SECONDS = 5;
const MOST_LISTED = 100;
const PARTS = ["sign-in", "refused", "lead"];

function show(part) {
  for (const id of PARTS) byId(id).hidden = id !== part;
}

async function start() {
  ownUpToMistakes();
  offerThemes();
  byId("sign-out").addEventListener("click", signOut);
  byId("pause-dialog").querySelector(".cancel").addEventListener("click", () => byId("pause-dialog").close());
  const session = await signIn(() => show("sign-in"));
  showSession(session);
  if (byId("pages").hidden) return show("refused");
  show("lead");
  offerWindows();
  whenSignedOut(async () => {
    await signIn(() => show("sign-in"));
    show("lead");
  });
  followQueue((status) => {
    showFigures(status);
    showQueues(status);
  });
  return look();
}

/** Looks again and again while the page is in sight. */
async function look() {
  for (let failed = false; ; ) {
    await seen();
    const failure = await refresh();
    if (failure) notify(`${failure.title} Some of what is shown may be old.`, "warning");
    else if (failed) notify("");
    failed = Boolean(failure);
    await (failure ? beforeTryingAgain(failure) : pause(LOOK_SECONDS));
  }
}

/** Each part by itself, so that what is out of order leaves the others alone; gives the first failure. */
async function refresh() {
  const list = (state) => call("GET", `v1/queries?state=${state}&limit=${MOST_LISTED}`);
  const outcomes = await Promise.allSettled([
    call("GET", "v1/history").then(showHistory),
    call("GET", "v1/reviewers").then((reviewers) => showReviewers(reviewers, refresh)),
    call("GET", "v1/disputes").then(showDisputes),
    call("GET", "v1/evaluation").then((evaluation) => {
      showQuality(evaluation);
      showRounds(evaluation);
      showDrifts(evaluation);
    }),
    call("GET", "v1/oracles").then(showOracles),
    Promise.all([list("leased"), list("waiting")]).then(([held, waiting]) => {
      const open = [...held.items, ...waiting.items];
      // One that several are asked is in somebody's hands while it waits for others.
      showHeld(open.filter(({ holders }) => holders.length), refresh);
      showRules(open);
    }),
  ]);
  const failures = outcomes.filter(({ status }) => status === "rejected").map(({ reason }) => reason);
  const mistake = failures.find(({ title }) => !title);
  if (mistake) throw mistake;
  return failures[0];
}

await start();

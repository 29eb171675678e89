/** The lead's page: how the desk does, who is at it, and what needs a decision. */

import { offerThemes, showSession, signIn, signOut } from "../shared/access.js";
import { call, whenSignedOut } from "../shared/client.js";
import { byId } from "../shared/dom.js";
import { followQueue } from "../shared/live.js";
import { notify, ownUpToMistakes } from "../shared/notices.js";
import { beforeTryingAgain, pause, seen } from "../shared/waiting.js";
import { showFigures, showHistory, showRules } from "./figures.js";
import { showDisputes, showHeld, showQueues } from "./open.js";
import { showReviewers } from "./people.js";

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
    try {
      await refresh();
      if (failed) notify("");
      failed = false;
      await pause(LOOK_SECONDS);
    } catch (error) {
      if (!error.title) throw error;
      notify(`${error.title} What is shown may be old.`, "warning");
      failed = true;
      await beforeTryingAgain(error);
    }
  }
}

async function refresh() {
  const list = (state) => call("GET", `v1/queries?state=${state}&limit=${MOST_LISTED}`);
  const [history, reviewers, disputes, waiting, held] = await Promise.all([
    call("GET", "v1/history"),
    call("GET", "v1/reviewers"),
    call("GET", "v1/disputes"),
    list("waiting"),
    list("leased"),
  ]);
  showHistory(history);
  showReviewers(reviewers, refresh);
  showDisputes(disputes);
  showHeld(held.items, refresh);
  showRules([...waiting.items, ...held.items]);
}

await start();

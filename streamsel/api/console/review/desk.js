/** The work at the desk: shows what is in hand, takes the decision about it, and shows the next at once. */

import { call } from "../shared/client.js";
import { announce, byId } from "../shared/dom.js";
import { notify } from "../shared/notices.js";
import { askReason, closeReasons } from "./dialogs.js";
import { showEvent } from "./event.js";
import { takeAnswers } from "./labels.js";
import { showPanel } from "./panel.js";
import { count, keptIn, showDue, showLease, showOutbox } from "./status.js";

const READ_SECONDS = 0.25; // a second press, meant for the last event, must not answer the next

export class ReviewDesk {
  #hand;
  #outbox;
  #show;
  #lease = null; // on show
  #ready = false; // takes a decision
  #reading;

  /** `show` makes one part of the page visible. */
  constructor(hand, outbox, show) {
    this.#hand = hand;
    this.#outbox = outbox;
    this.#show = show;
    hand.addEventListener("change", () => this.render());
    hand.addEventListener("tick", () => (this.#lease ? this.#showTimes(this.#lease) : this.#showLack()));
    outbox.addEventListener("change", () => showOutbox(outbox));
    outbox.addEventListener("refused", ({ detail }) => this.#refused(detail));
  }

  /** Shows the first in hand, or why there is none. */
  render() {
    const lease = this.#hand.first ?? null;
    if (lease === null) this.#showLack();
    if (lease === this.#lease) return;
    this.#lease = lease;
    closeReasons();
    if (lease !== null) this.#showClaim(lease);
  }

  /** `act` is label, skip or escalate, `body` what goes with it. */
  decide(act, body) {
    if (!this.#ready) return;
    const lease = this.#lease;
    notify("");
    this.#outbox.add(lease.claim, act, body);
    if (act === "label") count(1, body.label, lease.claim.query.event_id);
    this.#hand.drop(lease);
  }

  /** Asks for the reason of a skip or an escalation. */
  ask(act) {
    if (this.#ready) askReason(act, this.#lease.claim);
  }

  /** Uncovers what is sensitive. */
  reveal() {
    if (byId("covered").hidden) return;
    this.#cover(false);
    this.#getReady();
  }

  #showClaim(lease) {
    const { claim } = lease;
    this.#show("review");
    showEvent(claim);
    byId("in-queue").textContent = claim.queue === "default" ? "" : claim.queue;
    this.#showReason(claim);
    this.#cover(claim.sensitive);
    this.#showTimes(lease);
    scrollTo(0, 0);
    announce(`Event ${claim.query.event_id}, to be answered`);
    if (claim.sensitive) this.#wait();
    else this.#getReady();
  }

  #showTimes(lease) {
    showLease(lease);
    showDue(lease.claim);
  }

  #cover(covered) {
    byId("covered").hidden = !covered;
    byId("content-of-event").classList.toggle("blurred", covered);
    byId("content-of-event").inert = covered;
    if (covered) byId("reveal").focus({ preventScroll: true });
  }

  #getReady() {
    this.#wait();
    this.#reading = setTimeout(() => {
      this.#ready = true;
      takeAnswers(true);
    }, READ_SECONDS * 1000);
  }

  #wait() {
    clearTimeout(this.#reading);
    this.#ready = false;
    takeAnswers(false);
  }

  #showLack() {
    this.#wait();
    this.#show("panel");
    showPanel({ ...this.#hand.lack, queue: this.#hand.queue, kept: keptIn(this.#outbox) });
  }

  #showReason({ query_id, queue }) {
    const write = (reason) => {
      byId("reason").textContent = reason;
      byId("reason").hidden = !reason;
    };
    write("");
    if (queue !== "escalated") return;
    call("GET", `v1/queries/${query_id}`)
      .then(({ reason }) => this.#lease?.claim.query_id === query_id && write(reason))
      .catch(() => {});
  }

  #refused({ decision: { act, body, claim, event_id }, outcome: error }) {
    if (act === "label") count(-1, body.label, event_id);
    if (error.status === 409 || !claim) {
      notify(`${event_id} is not counted: ${error.message}.`, "warning");
      return;
    }
    this.#hand.put(claim);
    notify(`${event_id} is back: ${error.message}`, "warning");
  }
}

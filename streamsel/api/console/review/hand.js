/** What is in this reviewer's hands: the event on show, and the next one, to be shown without waiting for it. */

import { call } from "../shared/client.js";
import { beforeTryingAgain, seen } from "../shared/waiting.js";
import { Lease } from "./lease.js";

const MOST = 2;
const WAIT_SECONDS = 25;
const TICK_SECONDS = 0.5;
const PAUSED_SECONDS = 20; // between questions whether one may claim again

/**
 * Fires `change` when what is held, or why nothing is, has changed, and `tick` twice a second. `lack` says why
 * nothing is held: {why: loading | empty | break | paused |
 * refused | offline | unreachable, …}.
 */
export class Hand extends EventTarget {
  queue = ""; // all of the reviewer's queues
  lack = { why: "loading" };
  #held = [];
  #asking = new AbortController();
  #left = false;

  constructor() {
    super();
    this.#fill();
    setInterval(() => this.#tick(), TICK_SECONDS * 1000);
    document.addEventListener("visibilitychange", () => {
      // A page that nobody sees must not claim.
      if (document.visibilityState === "hidden") this.#asking.abort();
    });
    addEventListener("offline", () => this.#asking.abort()); // or it would wait for an answer that cannot come
  }

  /** The lease to be shown; undefined when there is none. */
  get first() {
    return this.#held[0];
  }

  /** Puts a claim on top. */
  put(claim) {
    this.#held = [new Lease(claim), ...this.#held.filter(({ claim: { query_id } }) => query_id !== claim.query_id)];
    this.#changed();
  }

  /** Takes a lease out: it is answered, or was lost. */
  drop(lease) {
    this.#held = this.#held.filter((each) => each !== lease);
    this.#changed();
  }

  /** Works on another queue from now on. */
  async turnTo(queue) {
    this.queue = queue;
    this.lack = { why: "loading" };
    this.#asking.abort();
    await this.#giveBack();
  }

  /** Ends the work: nothing more is claimed, and what is held goes back. */
  leave() {
    this.#left = true;
    this.#asking.abort();
    return this.#giveBack({ lasting: true });
  }

  /** Lets others have what is held. If nobody answers, or it is not ours any more, the leases end by themselves. */
  async #giveBack(options = {}) {
    const given = this.#held;
    this.#held = [];
    this.#changed();
    await Promise.allSettled(given.map(({ claim }) => release(claim, options)));
  }

  async #fill() {
    for (let wait = 0; ; ) {
      await this.#room();
      if (this.#left) return;
      const asking = (this.#asking = new AbortController());
      const body = { count: MOST - this.#held.length, wait_seconds: wait };
      if (this.queue) body.queue = this.queue;
      try {
        // Cut short are only those that wait: what a call at once was given must come here to be given back.
        const claims = await call("POST", "v1/claims", { body, signal: wait ? asking.signal : undefined });
        if (asking.signal.aborted) claims.forEach((claim) => release(claim));
        else this.#receive(claims);
        wait = claims.length ? 0 : WAIT_SECONDS;
      } catch (error) {
        wait = 0;
        if (error.name !== "AbortError") await this.#without(error, asking.signal);
      }
    }
  }

  async #room() {
    while (this.#held.length >= MOST) {
      await new Promise((done) => this.addEventListener("change", done, { once: true }));
    }
    await seen();
  }

  #receive(claims) {
    for (const claim of claims) {
      const known = this.#held.find(({ claim: { query_id } }) => query_id === claim.query_id);
      if (known) known.renew(claim); // it had lapsed, and is ours again
      else this.#held.push(new Lease(claim));
    }
    this.lack = { why: "empty" };
    this.#changed();
  }

  /** Rests, unless the work is turned to another queue meanwhile. */
  async #without(error, signal) {
    this.lack = lackOf(error);
    this.#changed();
    const turned = new Promise((done) => signal.addEventListener("abort", done, { once: true }));
    await Promise.race([beforeTryingAgain({ retryAfter: this.lack.seconds }), turned]);
  }

  #tick() {
    for (const lease of this.#held) lease.keep();
    const lapsed = this.#held.slice(1).filter(({ left }) => left === 0);
    for (const lease of lapsed) this.drop(lease);
    this.dispatchEvent(new Event("tick"));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function lackOf(error) {
  if (error.kind === "on-break") {
    return { why: "break", seconds: error.retryAfter, until: Date.now() + error.retryAfter * 1000 };
  }
  if (error.kind === "paused") return { why: "paused", seconds: PAUSED_SECONDS, detail: error.message };
  if (error.status === 403) return { why: "refused", seconds: PAUSED_SECONDS, detail: error.message };
  const why = navigator.onLine ? "unreachable" : "offline";
  return { why, seconds: error.retryAfter, detail: error.passing ? error.title : error.message };
}

function release({ query_id, fence }, { lasting = false } = {}) {
  return call("POST", `v1/claims/${query_id}/release`, { body: { fence }, lasting, renew: false }).catch(() => {});
}

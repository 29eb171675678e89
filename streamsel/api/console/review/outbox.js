/**
 * What was decided and the server has not confirmed. It is sent in order, in the background, for as long as it
 * takes, and survives a reload: only ids and the decision are kept, nothing of the event. A repetition is known
 * as one by its key, so that whatever is lost on the way, each decision counts once.
 */

import { call } from "../shared/client.js";
import { beforeTryingAgain } from "../shared/waiting.js";

const METHODS = { label: "PUT", skip: "POST", escalate: "POST" };

/** Fires `change`; `recorded` with the decision and the response; `refused` with the decision and the error. */
export class Outbox extends EventTarget {
  /** Why the first one is not sent yet, while it is not. */
  trouble = null;
  #waiting = [];
  #store;
  #running = false;

  constructor(reviewer) {
    super();
    this.#store = `streamsel.outbox.${reviewer}.`;
    this.#waiting = kept(this.#store);
    this.#send();
  }

  get size() {
    return this.#waiting.length;
  }

  /** `act` is label, skip or escalate; `body` what the call takes besides the fence. */
  add(claim, act, body) {
    const { query_id, fence, query } = claim;
    const decision = { query_id, fence, act, body, event_id: query.event_id, at: Date.now() };
    localStorage.setItem(this.#store + query_id, JSON.stringify(decision));
    this.#waiting.push({ ...decision, claim });
    this.#changed();
    this.#send();
  }

  /** Takes the newest decision back if it never left; gives it, with its claim. */
  takeBack() {
    const newest = this.#waiting.at(-1);
    if (!newest?.claim || newest.tried) return null;
    this.#forget(newest);
    return newest;
  }

  /** Resolves once everything is sent. */
  async empty() {
    while (this.size) await new Promise((done) => this.addEventListener("change", done, { once: true }));
  }

  async #send() {
    if (this.#running) return;
    this.#running = true;
    while (this.size) {
      const decision = this.#waiting[0];
      const again = decision.tried;
      decision.tried = true;
      try {
        const content = await deliver(decision);
        this.#settle(decision, "recorded", content);
      } catch (error) {
        if (error.passing) {
          this.trouble = error;
          this.#changed();
          await beforeTryingAgain(error);
        } else if (again && decision.act !== "label" && error.status === 409) {
          this.#settle(decision, "recorded"); // the first try got through, and only its answer was lost
        } else {
          this.#settle(decision, "refused", error);
        }
      }
    }
    this.#running = false;
  }

  #settle(decision, name, detail) {
    this.trouble = null;
    this.#forget(decision);
    this.dispatchEvent(new CustomEvent(name, { detail: { decision, outcome: detail } }));
  }

  #forget(decision) {
    localStorage.removeItem(this.#store + decision.query_id);
    this.#waiting = this.#waiting.filter((each) => each !== decision);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

function deliver({ query_id, fence, act, body }) {
  const headers = act === "label" ? { "Idempotency-Key": `${query_id}-${fence}` } : {};
  return call(METHODS[act], `v1/claims/${query_id}/${act}`, { body: { fence, ...body }, headers });
}

function kept(prefix) {
  return Object.keys(localStorage)
    .filter((name) => name.startsWith(prefix))
    .map((name) => ({ ...JSON.parse(localStorage.getItem(name)), tried: true }))
    .sort((one, other) => one.at - other.at);
}

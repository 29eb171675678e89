/** Taking answers back: the last one, or any of the last ten. */

import { call } from "../shared/client.js";
import { announce, byId, element } from "../shared/dom.js";
import { age } from "../shared/formats.js";
import { notify } from "../shared/notices.js";
import { count } from "./status.js";

export class Answers {
  #hand;
  #outbox;
  #busy = false;

  constructor(hand, outbox) {
    this.#hand = hand;
    this.#outbox = outbox;
    byId("undo").addEventListener("click", () => this.undo());
    byId("answers").addEventListener("click", () => this.list());
  }

  /** Takes the last answer back: its event is on show again. */
  undo() {
    return this.#alone(async () => {
      const unsent = this.#outbox.takeBack();
      if (unsent) {
        if (unsent.act === "label") count(-1, unsent.body.label, unsent.event_id);
        this.#hand.put(unsent.claim);
        notify("Taken back before it was sent.");
        return;
      }
      await this.#outbox.empty();
      const [last] = await call("GET", "v1/answers");
      if (last) await this.#takeBack(last);
      else notify("There is no answer of yours to take back.");
    });
  }

  /** Shows the last ten. */
  list() {
    return this.#alone(async () => {
      await this.#outbox.empty();
      const answers = await call("GET", "v1/answers");
      byId("answers-text").textContent = answers.length
        ? "Take one back to answer it anew; the model then forgets the former answer."
        : "None yet.";
      byId("answers-list").replaceChildren(...answers.map((answer) => this.#line(answer)));
      byId("answers-dialog").showModal();
    });
  }

  #line(answer) {
    const again = element("button", "", "Take back");
    again.type = "button";
    again.setAttribute("aria-label", `Take back ${answer.label} for ${answer.event_id}`);
    again.addEventListener("click", () => {
      byId("answers-dialog").close();
      this.#alone(() => this.#takeBack(answer));
    });
    const when = element("span", "quiet", age(new Date(answer.answered_at * 1000)));
    return element("li", "", element("b", "", answer.label), element("span", "", answer.event_id), when, again);
  }

  async #takeBack({ query_id, event_id, label, etag }) {
    const claim = await call("DELETE", `v1/queries/${query_id}/label`, { headers: { "If-Match": etag } });
    count(-1, label, event_id);
    this.#hand.put(claim);
    notify(`“${label}” for ${event_id} is taken back. Answer it anew.`);
  }

  /** One at a time; what goes wrong is said, and nothing has changed. */
  async #alone(act) {
    if (this.#busy) return;
    this.#busy = true;
    announce("Asking the desk");
    try {
      await act();
    } catch (error) {
      if (!error.title) throw error;
      notify(`Nothing was taken back: ${error.message}`, "warning");
    } finally {
      this.#busy = false;
    }
  }
}

/** What is beside the event: the lease, what is on its way to the server, the queue, and what was answered. */

import { byId } from "../shared/dom.js";
import { clock, counted, duration } from "../shared/formats.js";

const COUNT = "streamsel.answered";

export function showLease(lease) {
  byId("lease-bar").style.setProperty("--share", lease.share);
  byId("lease").dataset.state = lease.state;
  byId("lease-text").textContent =
    lease.state === "over"
      ? "No longer held for you. Your answer still counts if nobody else took it."
      : `Held for you for ${clock(lease.left)}`;
}

/** When its queue wants it answered, if it says. */
export function showDue({ due_at }) {
  const left = due_at === null ? null : due_at - Date.now() / 1000;
  byId("due").textContent = left === null ? "" : left > 0 ? `Due in ${duration(left)}` : `Overdue by ${duration(-left)}`;
  byId("due").classList.toggle("overdue", left !== null && left <= 0);
}

/** The answers that are kept here, in words; empty when there are none. */
export const keptIn = ({ size }) => (size ? `${counted(size, "answer")} ${size === 1 ? "is" : "are"}` : "");

export function showOutbox(outbox) {
  const { size, trouble } = outbox;
  byId("outbox").classList.toggle("trouble", Boolean(trouble));
  byId("outbox").textContent = trouble ? `${trouble.title} ${keptIn(outbox)} kept and sent later.` : size > 1 ? `Sending ${size}` : "";
}

export function showQueue({ backlog, target_backlog }) {
  byId("backlog").textContent = backlog;
  byId("target").textContent = target_backlog;
  byId("backlog-bar").style.setProperty("--share", Math.min(1, backlog / target_backlog));
  byId("backlog-bar").classList.toggle("over", backlog > target_backlog);
}

const answered = () => Number(sessionStorage.getItem(COUNT));

export function showAnswered() {
  byId("labelled").textContent = answered();
}

/** An answer given counts at once; one taken back or refused is not counted. */
export function count(step, label, event_id) {
  sessionStorage.setItem(COUNT, Math.max(0, answered() + step));
  showAnswered();
  byId("last").hidden = step < 0;
  byId("last-label").textContent = label;
  byId("last-event").textContent = event_id;
}

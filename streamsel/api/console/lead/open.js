/** What is open: by queue, in hand, and in dispute. */

import { call } from "../shared/client.js";
import { button, byId, element } from "../shared/dom.js";
import { age, counted, duration } from "../shared/formats.js";
import { tell } from "./people.js";
import { fillTable } from "./table.js";

const QUEUES = [
  ["Queue", ([name]) => element("b", "", name), false],
  ["Waiting", ([, { waiting }]) => waiting.toLocaleString(), true],
  ["Oldest", ([, { oldest_seconds }]) => duration(oldest_seconds), true],
  ["Overdue", ([, { overdue }]) => overdue.toLocaleString(), true],
];

export function showQueues({ queues }) {
  fillTable(byId("queues"), QUEUES, Object.entries(queues));
}

/** `changed` is called once one was taken from its holder. */
export function showHeld(queries, changed) {
  const columns = [
    ["Event", ({ query }) => element("b", "", query.event_id), false],
    ["Held by", ({ holders }) => holders.join(", "), false],
    ["", (held) => reassign(held, changed), false],
  ];
  fillTable(byId("held"), columns, queries);
  byId("held-none").textContent = queries.length ? "" : "Nothing is in anybody's hands.";
}

function reassign({ query_id, query: { event_id } }, changed) {
  const act = async () => {
    await tell(() => call("POST", `v1/queries/${query_id}/reassign`), `${event_id} is back in its queue.`);
    changed();
  };
  const made = button("Take back", act, "secondary");
  made.setAttribute("aria-label", `Take ${event_id} back`);
  return made;
}

export function showDisputes(disputes) {
  byId("disputes").replaceChildren(...disputes.map(dispute));
  byId("disputes-none").textContent = disputes.length ? "" : "All who were asked agree.";
}

function dispute({ query, queue, offered_at, opinions }) {
  const said = opinions.map(({ label, labelled_by }) =>
    element("li", "", element("b", "", label), " ", element("span", "quiet", labelled_by)),
  );
  const count = new Set(opinions.map(({ label }) => label)).size;
  const where = `${counted(count, "answer")} · waits in ${queue} · sent ${age(new Date(offered_at * 1000))}`;
  return element("li", "", element("b", "", query.event_id), element("span", "quiet", where), element("ul", "said", ...said));
}

"""A Quix Streams application: one topic in, one function, one topic out.

For throughput: JSON by its own orjson, a linger of 5 ms, a commit every five seconds, which is its default.
"""

from __future__ import annotations

import tempfile
from typing import Any

from quixstreams import Application

from loadtest.measure import Stopwatch, report
from loadtest.peers.work import Work, decide_with


def main(work: Work) -> None:
    """Ends when every decision is delivered and all events are committed."""
    decide = decide_with(work.labels)
    watch = Stopwatch(work.events)
    seen = 0

    def decide_one(event: dict[str, Any]) -> dict[str, Any]:
        nonlocal seen
        seen += 1
        watch.saw(seen)
        return decide(event)

    with tempfile.TemporaryDirectory(prefix="loadtest-quix-") as state:
        application = Application(
            work.bootstrap_servers,
            consumer_group=work.group,
            auto_offset_reset="earliest",
            producer_extra_config={"linger.ms": 5, "queue.buffering.max.messages": 1_000_000},
            state_dir=state,
            loglevel="WARNING",
            auto_create_topics=False,
        )
        events = application.topic(work.events_topic, value_deserializer="json")
        decisions = application.topic(work.decisions_topic, value_serializer="json")
        application.dataframe(events).apply(decide_one).to_topic(decisions)
        application.run(count=work.events, collect=False)
    report(watch.finished())


if __name__ == "__main__":
    main(Work.given())

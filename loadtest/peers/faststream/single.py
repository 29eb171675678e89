"""FastStream's subscriber and publisher, a message at a time.

For throughput: no validation of types, no log line a message. Told ``unconfirmed`` it does not wait for one
decision's delivery before the next event, as the publisher does when used as a decorator.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from faststream.kafka import KafkaBroker

from loadtest.measure import Run, Stopwatch, report
from loadtest.peers.work import Work, decide_with


async def run(work: Work, *, unconfirmed: bool) -> Run:
    """Ends when every decision is delivered."""
    decide = decide_with(work.labels)
    watch = Stopwatch(work.events)
    seen = 0
    ended = asyncio.Event()
    broker = KafkaBroker(work.bootstrap_servers, acks="all", apply_types=False, logger=None)

    decisions = broker.publisher(work.decisions_topic)

    @broker.subscriber(work.events_topic, group_id=work.group, auto_offset_reset="earliest")
    async def decide_one(event: dict[str, Any]) -> None:
        nonlocal seen
        await decisions.publish(decide(event), no_confirm=unconfirmed)
        seen += 1
        watch.saw(seen)
        if seen == work.events:
            ended.set()

    async with broker:
        await broker.start()
        await ended.wait()
        await decisions.flush()
        return watch.finished()


if __name__ == "__main__":
    report(asyncio.run(run(Work.given(), unconfirmed=sys.argv[2:] == ["unconfirmed"])))

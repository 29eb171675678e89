"""FastStream's batch subscriber and batch publisher.

For throughput: 1,000 messages a call, no validation of types, no log line a message, one request a batch.
"""

from __future__ import annotations

import asyncio
from typing import Any

from faststream.kafka import KafkaBroker

from loadtest.measure import Run, Stopwatch, report
from loadtest.peers.work import Work, decide_with


async def run(work: Work) -> Run:
    """Ends when every decision is delivered."""
    decide = decide_with(work.labels)
    watch = Stopwatch(work.events)
    seen = 0
    ended = asyncio.Event()
    broker = KafkaBroker(
        work.bootstrap_servers, acks="all", max_batch_size=1_000_000, apply_types=False, logger=None
    )
    decisions = broker.publisher(work.decisions_topic, batch=True, partition=0)

    @broker.subscriber(
        work.events_topic,
        group_id=work.group,
        auto_offset_reset="earliest",
        batch=True,
        max_records=1_000,
    )
    async def decide_batch(events: list[dict[str, Any]]) -> None:
        nonlocal seen
        await decisions.publish(*map(decide, events))
        seen += len(events)
        watch.saw(seen)
        if seen == work.events:
            ended.set()

    async with broker:
        await broker.start()
        await ended.wait()
        await decisions.flush()
        return watch.finished()


if __name__ == "__main__":
    report(asyncio.run(run(Work.given())))

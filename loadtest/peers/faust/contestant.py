"""A Faust application: one agent, one topic in, one topic out.

For throughput: events taken 1,000 at a time, raw bytes with orjson, a wide buffer, sends not awaited.
"""

from __future__ import annotations

import asyncio
import tempfile
from typing import Any

import faust

from loadtest.measure import Run, Stopwatch, report
from loadtest.peers.work import Work, decide_encoded_with


async def run(work: Work, data_dir: str) -> Run:
    """Ends when every decision is delivered."""
    decide = decide_encoded_with(work.labels)
    watch = Stopwatch(work.events)
    seen = 0
    ended = asyncio.Event()
    application = faust.App(
        work.group,
        broker=f"kafka://{work.bootstrap_servers}",
        datadir=data_dir,
        web_enabled=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=131_072,
        producer_acks=-1,
        producer_linger=0.005,
    )
    events = application.topic(work.events_topic, value_type=bytes, value_serializer="raw")
    decisions = application.topic(work.decisions_topic, value_type=bytes, value_serializer="raw")

    @application.agent(events)
    async def decide_all(stream: Any) -> None:
        nonlocal seen
        async for payloads in stream.take(1_000, within=0.1):
            for payload in payloads:
                await decisions.send(value=decide(payload))
            seen += len(payloads)
            watch.saw(seen)
            if seen == work.events:
                ended.set()

    await application.start()
    await ended.wait()
    await application.producer.flush()
    finished = watch.finished()
    await application.stop()
    return finished


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="loadtest-faust-") as directory:
        report(asyncio.run(run(Work.given(), directory)))

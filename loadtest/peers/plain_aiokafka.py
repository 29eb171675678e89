"""The plain aiokafka loop: getmany, River event by event, one ``send`` a decision.

For throughput: 1,000 messages a call, a linger of 5 ms, ``send`` not awaited for its delivery.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from loadtest.measure import Run, Stopwatch, report
from loadtest.peers.work import Work, decide_encoded_with


async def run(work: Work) -> Run:
    """Ends when every decision is delivered."""
    decide = decide_encoded_with(work.labels)
    watch = Stopwatch(work.events)
    seen = 0
    async with (
        AIOKafkaConsumer(
            work.events_topic,
            bootstrap_servers=work.bootstrap_servers,
            group_id=work.group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        ) as consumer,
        AIOKafkaProducer(bootstrap_servers=work.bootstrap_servers, acks="all", linger_ms=5) as producer,
    ):
        while seen < work.events:
            for messages in (await consumer.getmany(timeout_ms=1_000, max_records=1_000)).values():
                for message in messages:
                    await producer.send(work.decisions_topic, decide(message.value))
                seen += len(messages)
            watch.saw(seen)
        await producer.flush()
        await consumer.commit()
        return watch.finished()


if __name__ == "__main__":
    report(asyncio.run(run(Work.given())))

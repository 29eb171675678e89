"""The echo: aiokafka consumes and sends every event back, acknowledged by all. Nothing is decided."""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def echo(servers: str, group: str, topic: str, back: str) -> None:
    """From ``topic`` to ``back`` until killed; says ``ready`` once it reads ``topic``."""
    # The least that Kafka's clients wait by themselves.
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=servers,
        group_id=group,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=0)
    await consumer.start()
    await producer.start()
    print("ready", flush=True)
    while True:
        fetched = await consumer.getmany(timeout_ms=250)
        for records in fetched.values():
            for record in records:
                await producer.send(back, record.value, partition=record.partition)


if __name__ == "__main__":
    asyncio.run(echo(*sys.argv[1:]))

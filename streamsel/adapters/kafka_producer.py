"""One producer that is never broken for longer than it takes to replace it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator, Sequence
from typing import Any, TypeAlias

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from streamsel.adapters.kafka import ANSWER_SECONDS, LARGEST_BATCH, KafkaCluster

log = structlog.get_logger()

_BATCH_BYTES = 524_288
_CLOSE_SECONDS = 0.5

Headers: TypeAlias = list[tuple[str, bytes]]

Delivery: TypeAlias = Awaitable[Sequence[int]]
"""Done when the records of one batch are durable; gives their offsets."""


class KafkaProducer:
    """Hands whole batches to aiokafka; acks=all, idempotent, and started when first needed.

    An idempotent aiokafka producer repeats a batch until the broker has it, so an outage delays a
    delivery and does not fail it. What does fail one (no permission, a record the topic refuses, a
    sequence the broker lost) leaves that producer unable to send anything more; it is then replaced.
    """

    def __init__(self, cluster: KafkaCluster, *, linger_ms: int = 0) -> None:
        self._cluster = cluster
        self._linger_ms = linger_ms
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    async def enqueue(
        self,
        topic: str,
        partition: int,
        records: Sequence[tuple[bytes | None, bytes]],
        headers: Headers | None = None,
    ) -> list[Delivery]:
        """Queues (key, value) records in order, behind everything queued for that partition before; each
        with these headers.

        Waits for room while the partition's queue is full, without end while the broker is away. Raises
        ``KafkaError`` when the broker refuses.
        """
        producer = await self.started()
        return [
            self._delivered(
                producer, await self._queue(producer, topic, partition, batch), batch.record_count()
            )
            for batch in _batches(producer, records, headers)
        ]

    async def started(self) -> AIOKafkaProducer:
        """The producer now in use."""
        async with self._starting:
            if self._closed:
                raise KafkaError("this producer is closed")
            if self._producer is None:
                producer = self._cluster.producer(
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=self._linger_ms,
                    max_batch_size=_BATCH_BYTES,
                    max_request_size=LARGEST_BATCH,
                    request_timeout_ms=int(ANSWER_SECONDS * 1000),
                )
                try:
                    await producer.start()
                except BaseException:
                    await _stop(producer)
                    raise
                self._producer = producer
            return self._producer

    async def partitions(self, topic: str) -> int:
        """How many the topic has."""
        return len(await (await self.started()).partitions_for(topic))

    async def settle(self) -> None:
        """Returns once all that was queued is delivered or has failed."""
        if self._producer is not None:
            await self._producer.flush()

    async def replace(self, broken: AIOKafkaProducer) -> None:
        """Stops ``broken`` unless somebody has already; the next call starts another."""
        if self._producer is broken:
            self._producer = None
            await _stop(broken)

    async def close(self) -> None:
        """Waits a little for what is queued, then gives it up."""
        self._closed = True
        if self._producer is not None:
            await _stop(self._producer)
            self._producer = None

    async def _queue(self, producer: AIOKafkaProducer, topic: str, partition: int, batch: Any) -> Any:
        while True:
            try:
                return await producer.send_batch(batch, topic, partition=partition)
            except KafkaTimeoutError:
                log.warning("partition_takes_nothing", topic=topic, partition=partition)
            except KafkaError:
                await self.replace(producer)
                raise

    def _delivered(self, producer: AIOKafkaProducer, acknowledged: Any, count: int) -> Delivery:
        async def delivered() -> Sequence[int]:
            try:
                metadata = await acknowledged
            except KafkaError:
                log.exception("delivery_failed")
                await self.replace(producer)
                raise
            return range(metadata.offset, metadata.offset + count)

        return asyncio.ensure_future(delivered())


def _batches(
    producer: AIOKafkaProducer, records: Sequence[tuple[bytes | None, bytes]], headers: Headers | None
) -> Iterator[Any]:
    now = int(time.time() * 1000)
    batch = producer.create_batch()
    for key, value in records:
        if batch.append(timestamp=now, key=key, value=value, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(timestamp=now, key=key, value=value, headers=headers)
    if batch.record_count():
        yield batch


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stops it in bounded time: while the broker is away, aiokafka's own stop() waits for its return."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await producer.stop()
    except TimeoutError:
        log.warning("deliveries_given_up", waited_seconds=_CLOSE_SECONDS)
        sender = producer._sender.sender_task  # noqa: SLF001 - there is no public way to give up
        sender.cancel()
        await producer.client.close()
        # The sender first waits for its requests in flight; a second cancel ends that as well.
        await asyncio.wait([sender], timeout=0.5)
        sender.cancel()
        await asyncio.wait([sender], timeout=0.5)
    except KafkaError as error:
        log.warning("producer_not_stopped", error=repr(error))

"""A Kafka cluster, and what its clients have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streamsel.adapters.record_sizes import LARGEST_RECORD

log = structlog.get_logger()

LARGEST_BATCH = LARGEST_RECORD + 65_536
"""Bytes: one record as large as may be, and what a batch adds to it."""

ANSWER_SECONDS = 10.0
"""The longest a broker may take to answer: a connection that is open at one end alone is then given up."""

_STOP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """Where the brokers are and how to speak to them.

    ``client_options`` go to every aiokafka client as they are: ``security_protocol``, ``ssl_context``,
    ``sasl_mechanism``, ``sasl_plain_username`` and so on.
    """

    bootstrap_servers: str
    client_options: Mapping[str, Any] = field(default_factory=dict)
    stalled: Callable[[str], None] = lambda _: None
    """Told the topic of every client that is given up because nothing moved."""

    def consumer(self, **settings: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            enable_auto_commit=False,
            **settings,
            **self.client_options,
        )

    async def reader(self, place: TopicPartition, **settings: Any) -> AIOKafkaConsumer:
        """A consumer of one partition, without a group; started."""
        consumer = self.consumer(group_id=None, request_timeout_ms=int(ANSWER_SECONDS * 1000), **settings)
        consumer.assign([place])
        try:
            await consumer.start()
        except BaseException:
            await stop_consumer(consumer)
            raise
        return consumer

    def producer(self, **settings: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, **settings, **self.client_options)

    def admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, **self.client_options)


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stops it in bounded time, whatever its state.

    aiokafka's own stop() waits without end for a consumer that has stalled. And it lets the cancellation of
    its own tasks out, leaving connections open, when one has not begun or is about to fetch again after a
    failure, as all are while the broker is away.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=_STOP_SECONDS)
    if not stopping.done():
        stopping.cancel()
        log.warning("consumer_abandoned")
        # Its heartbeats alone would keep its partitions from everybody else. There is no public way.
        heartbeats = getattr(consumer._coordinator, "_heartbeat_task", None)  # noqa: SLF001
        if heartbeats is not None:
            heartbeats.cancel()
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("consumer_not_stopped", error=repr(error))
    await consumer._client.close()  # noqa: SLF001


@contextmanager
def kafka_errors_as(refusal: type[Exception], doing: str) -> Iterator[None]:
    """Turns whatever aiokafka raises while ``doing`` something into ``refusal``, with the reason."""
    try:
        yield
    except (KafkaError, OSError) as error:  # a timeout is an OSError
        raise refusal(f"{doing}: {error!r}") from error

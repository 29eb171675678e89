"""A Kafka cluster, and what its clients have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streamsel.adapters.record_sizes import LARGEST_RECORD

LARGEST_BATCH = LARGEST_RECORD + 65_536
"""Bytes: one record as large as may be, and what a batch adds to it."""


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """Where the brokers are and how to speak to them.

    ``client_options`` go to every aiokafka client as they are: ``security_protocol``, ``ssl_context``,
    ``sasl_mechanism``, ``sasl_plain_username`` and so on.
    """

    bootstrap_servers: str
    client_options: Mapping[str, Any] = field(default_factory=dict)

    def consumer(self, **settings: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers,
            enable_auto_commit=False,
            **settings,
            **self.client_options,
        )

    async def reader(self, place: TopicPartition, **settings: Any) -> AIOKafkaConsumer:
        """A consumer of one partition, without a group; started."""
        consumer = self.consumer(group_id=None, **settings)
        consumer.assign([place])
        try:
            await consumer.start()
            await asyncio.sleep(0)  # aiokafka's stop() fails as long as a task of its own has not begun
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    def producer(self, **settings: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(bootstrap_servers=self.bootstrap_servers, **settings, **self.client_options)

    def admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers, **self.client_options)


@contextmanager
def kafka_errors_as(refusal: type[Exception], doing: str) -> Iterator[None]:
    """Turns whatever aiokafka raises while ``doing`` something into ``refusal``, with the reason."""
    try:
        yield
    except (KafkaError, OSError) as error:  # a timeout is an OSError
        raise refusal(f"{doing}: {error!r}") from error

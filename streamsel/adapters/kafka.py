"""A Kafka cluster, and what its clients have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

LARGEST_RECORD = 4_194_304
"""Bytes. An event of 1 MB, held twice by its decision (as features and as context), still fits."""

ROOM_FOR_BATCH = 65_536
"""Bytes a batch may take beyond its largest record."""


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

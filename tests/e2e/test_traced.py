"""One event's trace, through the whole service: event, decision, claim, label, evidence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer

from loadtest.outside.command_line import streamsel
from loadtest.outside.service_process import Services, auth, bearer
from loadtest.outside.streams import KafkaStreams, RedisStreams, Streams
from loadtest.outside.transactions import LABELS, LEGIT, transaction
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EVENT = transaction(1)


@pytest.mark.kafka
async def test_from_a_kafka_header(
    services: Services, kafka: LocalKafka | GivenKafka, store: EmbeddedValkey, prefix: str
) -> None:
    """As an instrumented producer sets it."""
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds=6.0)

    async def send(_: str, __: str) -> None:
        producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "acks": "all"})
        producer.produce(streams.topic("events"), EVENT, headers=[("traceparent", TRACE.encode())])
        assert producer.flush(20.0) == 0

    await follow(services, streams, store, prefix, send)


async def test_from_a_header_of_the_call(services: Services, store: EmbeddedValkey, prefix: str) -> None:
    """As an instrumented HTTP client sets it; the logs are on Redis streams."""

    async def send(url: str, secret: str) -> None:
        headers = {**bearer(secret), "Content-Type": "application/json", "traceparent": TRACE}
        async with httpx.AsyncClient(headers=headers, timeout=10.0) as client:
            (await client.post(f"{url}/v1/events", content=EVENT)).raise_for_status()

    await follow(services, RedisStreams(store.url, prefix, session_seconds=6.0), store, prefix, send)


async def follow(
    services: Services,
    streams: Streams,
    store: EmbeddedValkey,
    prefix: str,
    send: Callable[[str, str], Awaitable[None]],
) -> None:
    """Sends the event, answers the query about it, and finds the trace at every place on the way."""
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            **streams.sections,
            "redis": {"url": store.url, "prefix": prefix},
            "labels": LABELS,
            # Of what is drawn at random the trace is hidden.
            "select": {"strategy": "entropy", "budget": 1.0, "explore": 0.0},
            "auth": auth(secrets, ann="reviewer", shop="producer"),
        }
    )
    service = services.start(configuration)
    url = await service.ready()
    await send(url, secrets["shop"])
    async with httpx.AsyncClient(base_url=url, headers=bearer(secrets["ann"]), timeout=20.0) as ann:

        async def claimed() -> list[dict[str, Any]]:
            response = await ann.post("/v1/claims", json={"wait_seconds": 2.0})
            claims: list[dict[str, Any]] = response.raise_for_status().json()
            return claims

        (claim,) = await until(claimed, what="the query claimed", seconds=30.0)
        assert claim["query"]["traceparent"] == TRACE
        answered = await ann.put(
            f"/v1/claims/{claim['query_id']}/label",
            json={"label": LEGIT, "fence": claim["fence"]},
            headers={"Idempotency-Key": "1"},
        )
        assert answered.status_code == 201

    (decision,) = await streams.records("decisions")
    (label,) = await streams.records("labels")
    assert decision.content["traceparent"] == decision.content["query"]["traceparent"] == TRACE
    assert label.content["traceparent"] == TRACE
    ran = await streamsel(
        "evidence", claim["query_id"], "-c", str(configuration), "--json", directory=services.directory
    )
    assert ran.status == 0, ran.stderr
    assert ran.json["traceparent"] == TRACE

"""The broker hangs and the desk dies while labels are on their way from the one to the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from loadtest.outside.calling import Caller, calling
from loadtest.outside.desk_store import DeskStore
from loadtest.outside.halting import halted
from loadtest.outside.service_process import Services, auth
from loadtest.outside.streams import KafkaStreams
from loadtest.outside.transactions import FRAUD, LABELS, LEGIT, transaction
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

ANSWERS = 6
LAPSE_SECONDS = 45.0
"""A recording that nobody comes back to has lapsed by then."""


@pytest.mark.slow
@pytest.mark.kafka
async def test_a_label_on_its_way_into_the_log_when_the_desk_dies_counts_once(
    services: Services, kafka: LocalKafka | GivenKafka, valkey: EmbeddedValkey, prefix: str
) -> None:
    """What had left the desk is in the log and settled; the rest can be repeated, or is claimed anew."""
    if not isinstance(kafka, LocalKafka):
        pytest.skip("this broker is not ours to halt")
    streams = KafkaStreams(kafka.bootstrap_servers, prefix, session_seconds=6.0)
    secrets: dict[str, str] = {}
    configuration = services.configured(
        {
            **streams.sections,
            "redis": {"url": valkey.url, "prefix": prefix},
            "labels": LABELS,
            "select": {"budget": 1.0},
            "auth": auth(secrets, ann="reviewer", ben="reviewer"),
        }
    )
    desk, selector = services.start(configuration, "desk"), services.start(configuration, "selector")
    store = DeskStore(valkey.url, prefix)
    await selector.ready()
    async with calling(await desk.ready(), secrets["ann"]) as ann:
        await streams.produce([transaction(number) for number in range(ANSWERS + 1)])
        first, *claims = await claimed(ann, ANSWERS + 1)
        # By this one the desk is connected to the broker.
        assert (await ann.label(first, LEGIT)).status_code == httpx.codes.CREATED
        with halted(kafka):
            answering = [asyncio.create_task(ann.label(claim, FRAUD)) for claim in claims]
            await until(lambda: count(store, "recording", ANSWERS), what="all answers on their way")
            desk.kill()
            unanswered = await asyncio.gather(*answering, return_exceptions=True)
    assert all(isinstance(outcome, httpx.TransportError) for outcome in unanswered)

    desk.start()
    async with calling(await desk.ready(), secrets["ann"]) as ann:
        arrived = {record.content["query_id"] for record in await streams.records("labels")}
        sent = [claim for claim in claims if claim["query_id"] in arrived]
        lost = [claim for claim in claims if claim["query_id"] not in arrived]
        assert sent
        assert len(lost) > 1
        # The desk finds by itself what had arrived; what had not can be repeated.
        await until(lambda: count(store, "labelled", 1 + len(sent)), what="the label that arrived is settled")
        assert (await ann.label(sent[0], FRAUD)).status_code == httpx.codes.OK
        assert (await ann.label(lost[0], FRAUD)).status_code == httpx.codes.CREATED
    async with calling(await desk.ready(), secrets["ben"]) as ben:
        for claim in await claimed(ben, len(lost) - 1, seconds=LAPSE_SECONDS):
            assert (await ben.label(claim, FRAUD)).status_code == httpx.codes.CREATED

    assert await count(store, "labelled", ANSWERS + 1)
    log = Counter(record.content["query_id"] for record in await streams.records("labels"))
    assert log == Counter(claim["query_id"] for claim in [first, *claims])


async def count(store: DeskStore, state: str, wanted: int) -> bool:
    """Whether just so many queries are in that state."""
    states = await asyncio.to_thread(store.states)
    return Counter(states.values())[state] == wanted


async def claimed(caller: Caller, wanted: int, seconds: float = 30.0) -> list[dict[str, Any]]:
    """So many claims, however long they take to come."""
    claims: list[dict[str, Any]] = []

    async def enough() -> bool:
        claims.extend(await caller.claim(wanted - len(claims), wait_seconds=1.0))
        return len(claims) == wanted

    await until(enough, what=f"{wanted} claims", seconds=seconds)
    return claims

"""Questions whose answers are known look like any other query of the explore lane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.codec.layout import Layout
from streamsel.ports import GoldQuery
from streamsel.review.routing import QueueRule, Routing
from streamsel.services.gold import gold_queries
from tests.api.acting import answer
from tests.api.reviewing import LABELS, SETTINGS, Reviewing, claimed, query, reviewing

ROW = {"id": "tx-7", "at": 1_800_000_000.0, "amount": 20.0, "country": "PT", "known": "fraud"}


@pytest.fixture
async def desk(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Reviewing]:
    """A desk that asks first what it knows, in a queue with a time to answer in."""
    routing = Routing([QueueRule("default", sla_seconds=300.0)])
    settings = replace(SETTINGS, gold_share=1.0)
    async with reviewing(valkey.url, valkey.url, prefix, settings, routing) as running:
        yield running


async def test_a_question_whose_answer_is_known_cannot_be_told(desk: Reviewing) -> None:
    """Neither in the claim, nor when it is extended, nor by what its answer is answered with, nor by what is
    to be seen of it afterwards."""
    asked = await _offered(desk)
    async with desk.caller("ana") as ana:
        gold = await claimed(ana)
        usual = await claimed(ana)
        assert (gold["query_id"], usual["query_id"]) == (asked.query.query_id, query(1).query_id)
        assert _outline(gold) == _outline(usual)
        assert await _state(ana, gold) == await _state(ana, usual)
        recorded = [await answer(ana, claim, "legitimate", str(claim["fence"])) for claim in (gold, usual)]
        assert [one.status_code for one in recorded] == [201, 201]
        shown = [{**one.json(), "query_id": None, "offset": None} for one in recorded]
        assert [one.pop("model_version") for one in shown] == [1, 2]
        assert shown[0] == shown[1]
        assert await _state(ana, gold) == await _state(ana, usual)


async def test_a_question_whose_answer_is_known_cannot_be_told_when_it_was_left(desk: Reviewing) -> None:
    """It seems to wait for others, though nobody else is asked."""
    await _offered(desk)
    async with desk.caller("ana") as ana:
        gold, usual = await claimed(ana), await claimed(ana)
        for claim in (gold, usual):
            left = {"fence": claim["fence"], "reason": "unsure"}
            assert (await ana.post(f"/v1/claims/{claim['query_id']}/skip", json=left)).status_code == 204
        assert await _state(ana, gold) == await _state(ana, usual)


async def _offered(desk: Reviewing) -> GoldQuery:
    """A question whose answer is known, and a usual one of the explore lane."""
    layout = Layout(timestamp="at", features=["amount", "country"])
    (asked,) = gold_queries(
        [(1, ROW)], layout=layout, column="known", names=LABELS.names, clock=SystemClock(), topic="events"
    )
    assert desk.parts.desk is not None
    await desk.parts.desk.set_gold([asked])
    await desk.queue.offer([query(1, lane="explore", features={"amount": 20.0, "country": "PT"})])
    return asked


async def _state(caller: httpx.AsyncClient, claim: dict[str, Any]) -> dict[str, Any]:
    """All that is to be seen of a query, but of its event and of the moment."""
    shown = (await caller.get(f"/v1/queries/{claim['query_id']}")).json()
    content = {
        name: shown["query"][name] for name in shown["query"].keys() - {"event_id", "context", "segments"}
    }
    answer = shown["answer"] and {**shown["answer"], "query_id": None, "offset": None, "model_version": None}
    return {**shown, "query_id": None, "fence": None, "answer": answer, "query": content}


def _outline(claim: dict[str, Any]) -> dict[str, Any]:
    """All of a claim that is not of the event, nor of the moment."""
    content = claim["query"]
    told = {name: content[name] for name in content.keys() - {"event_id", "context", "segments"}}
    momentary = {"query_id": None, "fence": None, "lease_expires_at": None, "due_at": claim["due_at"] is None}
    return {**claim, **momentary, "query": told}

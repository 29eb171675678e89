"""The client's calls for many at once, for looking up and for leads, of both kinds, against a real desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.api.server import serve
from streamsel.client import AsyncClient, Client, LabelChoice, ListedQuery, Opinion, Problem
from streamsel.review.routing import Overlap, Routing
from tests.api.reviewing import LABELS, Reviewing, query, reviewing
from tests.client.conftest import Calling, calling

FRAUD, LEGITIMATE = "fraud", "legitimate"


@pytest.fixture
async def lea(kind: str, url: str, desk: Reviewing) -> AsyncIterator[Calling]:
    """A lead's client."""
    async with calling(kind, url, desk.secrets["lea"]) as call:
        yield call


async def _listed(kind: str, url: str, secret: str, **wanted: Any) -> list[ListedQuery]:
    """All that the client's iterator gives."""
    if kind == "asyncio":
        async with AsyncClient(url, secret) as client:
            return [one async for one in client.queries(**wanted)]

    def walk() -> list[ListedQuery]:
        with Client(url, secret) as client:
            return list(client.queries(**wanted))

    return await asyncio.to_thread(walk)


async def test_many_are_claimed_and_answered_in_one_call_each(desk: Reviewing, ana: Calling) -> None:
    """Each for itself; sent again, by a program that has forgotten its keys too, they are repetitions."""
    await desk.queue.offer([query(number) for number in range(20)])
    claims = await ana("claim", count=20)
    gone = claims.pop()
    await ana("release", gone)
    answers, recorded = [(claim, FRAUD) for claim in claims], []
    for status in (201, 200):
        outcomes = await ana("label_many", [*answers, (gone, FRAUD)])
        assert [one.query_id for one in outcomes] == [claim.query_id for claim in [*claims, gone]]
        assert [one.status for one in outcomes] == [status] * 19 + [409]
        recorded.append([one.answer for one in outcomes])
        assert (outcomes[-1].problem.type, outcomes[-1].problem.retry_after) == ("/problems/superseded", None)
    first, second = recorded
    assert first == second
    assert first[-1] is None
    assert {one.label for one in first[:-1]} == {FRAUD}


async def test_queries_are_listed_over_all_pages(desk: Reviewing, ana: Calling, url: str, kind: str) -> None:
    """Each once, by state and by queue."""
    await desk.queue.offer([query(number) for number in range(230)])
    (held,) = await ana("claim")
    everything = await _listed(kind, url, desk.secrets["ana"])
    assert len({one.query_id for one in everything}) == len(everything) == 230
    (leased,) = await _listed(kind, url, desk.secrets["ana"], state="leased", queue="default")
    assert (leased.query_id, leased.holders, leased.query.event_id) == (held.query_id, ["ana"], "tx-0")
    assert await _listed(kind, url, desk.secrets["ana"], queue="escalated") == []


async def test_what_a_program_asks_before_it_works(desk: Reviewing, ana: Calling) -> None:
    """Who it is, which labels there are, which model serves, where a query stands."""
    me = await ana("who")
    assert (me.name, me.role, me.tier, me.queues) == ("ana", "reviewer", 1, None)
    choices = await ana("label_choices")
    assert [one.name for one in choices.labels] == LABELS.names
    assert choices.labels[1] == LabelChoice(FRAUD, LABELS.guideline[FRAUD], LABELS.examples[FRAUD])
    assert (await ana("model")).digest == "5d1a0c6e"
    await desk.queue.offer([query(1)])
    (claim,) = await ana("claim")
    assert claim.query.contributions == {"amount": 1.31, "country": -0.4}
    state = await ana("query", claim.query_id)
    assert (state.state, state.answer, state.query.event_id) == ("leased", None, "tx-1")


async def test_a_lead_pauses_and_takes_back(desk: Reviewing, ana: Calling, lea: Calling) -> None:
    """The reviewer is told why, and what they held waits for another."""
    await desk.queue.offer([query(1)])
    (claim,) = await ana("claim")
    await lea("pause", "ana", "see me")
    with pytest.raises(Problem, match="see me") as paused:
        await ana("claim")
    assert paused.value.type == "/problems/paused"
    (shown,) = await lea("reviewers")
    assert (shown.name, shown.held, shown.paused) == ("ana", 1, "see me")
    assert await lea("reassign", claim.query_id) == ["ana"]
    with pytest.raises(Problem, match="409"):
        await ana("label", claim, FRAUD)
    await lea("resume", "ana")
    (again,) = await ana("claim")
    assert again.query_id == claim.query_id


async def test_a_lead_corrects_what_another_has_answered(desk: Reviewing, ana: Calling, lea: Calling) -> None:
    """By the answer as it was looked up; what is on record of the query tells who has had the last word."""
    await desk.queue.offer([query(1)])
    (claim,) = await ana("claim")
    await ana("label", claim, FRAUD)
    answer = (await lea("query", claim.query_id)).answer
    corrected = await lea("correct", answer, LEGITIMATE)
    assert (corrected.label, corrected.revision) == (LEGITIMATE, 2)
    given = (await lea("evidence", claim.query_id))["answers"]
    assert [(one["by"], one["label"]) for one in given] == [("lea", LEGITIMATE)]


async def test_a_lead_sees_the_last_hours(lea: Calling) -> None:
    """As far as somebody looked, with what is steered to."""
    seen = await lea("history", 2.0)
    assert (seen.target_backlog, seen.points) == (20, [])


async def test_what_is_for_leads_is_refused_to_others(ana: Calling) -> None:
    """With the role it needs."""
    with pytest.raises(Problem, match="lead") as refused:
        await ana("disputes")
    assert refused.value.status == 403


async def test_a_lead_settles_what_reviewers_disagree_about(
    valkey: EmbeddedValkey, prefix: str, kind: str
) -> None:
    """It is listed with who said what, claimed from its queue, and gone once labelled."""
    routing = Routing(overlap=Overlap(share=1.0, reviewers=2))
    async with reviewing(valkey.url, valkey.url, prefix, routing=routing) as desk:
        running = await serve(desk.app, "127.0.0.1", 0)
        await desk.queue.offer([query(1)])
        for name, label in (("ana", FRAUD), ("ben", LEGITIMATE)):
            async with calling(kind, running.url, desk.secrets[name]) as reviewer:
                (claim,) = await reviewer("claim")
                await reviewer("label", claim, label)
        async with calling(kind, running.url, desk.secrets["lea"]) as lea:
            (claim,) = await lea("claim", "escalated", 1, 20.0)
            (dispute,) = await lea("disputes")
            assert dispute.opinions == [Opinion("ana", FRAUD), Opinion("ben", LEGITIMATE)]
            assert (dispute.queue, dispute.query.event_id) == ("escalated", "tx-1")
            assert (await lea("label", claim, FRAUD)).labelled_by == "lea"
            assert await lea("disputes") == []
        await running.stop()

"""What leads do over HTTP: reviewers, pauses, disputes, taking queries back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.review.routing import Overlap, Routing
from tests.api.acting import answer
from tests.api.reviewing import Reviewing, claimed, query, reviewing


@pytest.fixture
async def lea(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """A lead."""
    async with desk.caller("lea") as client:
        yield client


async def test_a_lead_sees_how_reviewers_fare(
    desk: Reviewing, ana: httpx.AsyncClient, lea: httpx.AsyncClient
) -> None:
    """Who is there, what they hold and did, and no figure that nothing is known of."""
    await desk.queue.offer([query(1), query(2)])
    assert (await answer(ana, await claimed(ana), "fraud")).status_code == 201
    await claimed(ana)
    await desk.tallied(1)
    (shown,) = (await lea.get("/v1/reviewers")).json()
    assert {name: shown[name] for name in ("name", "live", "held", "answered", "answered_per_hour")} == {
        "name": "ana",
        "live": True,
        "held": 1,
        "answered": 1,
        "answered_per_hour": 1.0,
    }
    assert shown["median_seconds"] > 0.0
    assert [shown[name] for name in ("agreement", "gold_accuracy", "on_break_until", "paused")] == [None] * 4


async def test_a_paused_reviewer_gets_no_claims_until_resumed(
    desk: Reviewing, ana: httpx.AsyncClient, lea: httpx.AsyncClient
) -> None:
    """They are told why, and it is in the audit log; doing it twice is doing it once."""
    await desk.queue.offer([query(1)])
    for _ in range(2):
        assert (await lea.post("/v1/reviewers/ana/pause", json={"reason": "see me"})).status_code == 204
    refused = await ana.post("/v1/claims", json={})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/paused")
    assert "see me" in refused.json()["detail"]
    (shown,) = (await lea.get("/v1/reviewers")).json()
    assert shown["paused"] == "see me"
    for _ in range(2):
        assert (await lea.post("/v1/reviewers/ana/resume")).status_code == 204
    assert (await claimed(ana))["query_id"] == query(1).query_id
    acts = [(one.who, one.action, one.detail.get("reviewer")) for one in await desk.noted()]
    assert ("lea", "paused", "ana") in acts
    assert ("lea", "resumed", "ana") in acts


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("ana", {}, "reason"),
        ("ana", {"reason": ""}, "reason"),
        ("ana", {"reason": "x" * 1_001}, "reason"),
        ("ana", {"reason": "a\x07b"}, "reason"),
        ("ana", {"reason": "see me", "by": "root"}, "by"),
        ("%3Cscript%3E", {"reason": "see me"}, "name"),
        ("x" * 65, {"reason": "see me"}, "name"),
    ],
)
async def test_a_pause_that_is_not_as_it_must_be_pauses_nobody(
    desk: Reviewing, lea: httpx.AsyncClient, name: str, body: dict[str, str], field: str
) -> None:
    """422, with the field's name."""
    response = await lea.post(f"/v1/reviewers/{name}/pause", json=body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert await desk.queue.reviewers() == []


async def test_a_query_taken_back_waits_in_its_queue(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient, lea: httpx.AsyncClient
) -> None:
    """Its holder's claim no longer counts; nobody loses anything when nobody holds it."""
    await desk.queue.offer([query(1)])
    held = await claimed(ana)
    path = f"/v1/queries/{held['query_id']}/reassign"
    taken = await lea.post(path)
    assert (taken.status_code, taken.json()) == (200, {"taken_from": ["ana"]})
    assert (await lea.post(path)).json() == {"taken_from": []}
    assert (await answer(ana, held, "fraud")).status_code == 409
    assert (await claimed(ben))["query_id"] == held["query_id"]
    assert (await lea.post("/v1/queries/never/reassign")).status_code == 404
    assert ("lea", "reassigned") in [(one.who, one.action) for one in await desk.noted()]


async def test_what_reviewers_disagree_about_is_shown_with_who_said_what(
    valkey: EmbeddedValkey, prefix: str
) -> None:
    """Until somebody else decides; those who answer it see nothing of each other's answers."""
    routing = Routing(overlap=Overlap(share=1.0, reviewers=2))
    async with (
        reviewing(valkey.url, valkey.url, prefix, routing=routing) as desk,
        desk.caller("ana") as ana,
        desk.caller("ben") as ben,
        desk.caller("lea") as lea,
    ):
        await desk.queue.offer([query(1)])
        first = await answer(ana, await claimed(ana), "fraud")
        assert (first.status_code, first.json()["model_version"]) == (201, None)
        seen = await ben.get(f"/v1/queries/{query(1).query_id}")
        assert "fraud" not in str(seen.json()["answer"]) + str(seen.json()["opinions"])
        assert (await lea.get("/v1/disputes")).json() == []
        assert (await answer(ben, await claimed(ben), "legitimate", "key-2")).status_code == 201
        claim = await claimed(lea, wait_seconds=20)
        (dispute,) = (await lea.get("/v1/disputes")).json()
        assert (dispute["query_id"], dispute["queue"]) == (query(1).query_id, "escalated")
        assert dispute["query"]["event_id"] == "tx-1"
        assert dispute["opinions"] == [
            {"labelled_by": "ana", "label": "fraud"},
            {"labelled_by": "ben", "label": "legitimate"},
        ]
        assert (await lea.get("/v1/queue")).json()["disputed"] == 1
        assert (await answer(lea, claim, "fraud", "key-3")).status_code == 201
        assert (await lea.get("/v1/disputes")).json() == []


async def test_reviewers_may_do_nothing_of_it(ana: httpx.AsyncClient, desk: Reviewing) -> None:
    """403; nothing has changed."""
    await desk.queue.offer([query(1)])
    held = await claimed(ana)
    for response in (
        await ana.get("/v1/reviewers"),
        await ana.get("/v1/disputes"),
        await ana.post("/v1/reviewers/ana/pause", json={"reason": "holiday"}),
        await ana.post("/v1/reviewers/ana/resume"),
        await ana.post(f"/v1/queries/{held['query_id']}/reassign"),
    ):
        assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden")
    (activity,) = await desk.queue.reviewers()
    assert activity.paused is None
    assert (await answer(ana, held, "fraud")).status_code == 201

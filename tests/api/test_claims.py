"""Claiming, answering, extending, releasing, escalating: over HTTP, on a real store and label log."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.api.server import serve
from streamsel.records import Lane
from tests.api.acting import act, answer
from tests.api.reviewing import SETTINGS, Reviewing, claimed, query, reviewing


async def test_a_claim_shows_the_event_and_holds_it(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """All a reviewer needs to answer; nobody else gets it meanwhile."""
    await desk.queue.offer([query(1)])
    claim = await claimed(ana)
    assert claim["query_id"] == query(1).query_id
    assert claim["queue"] == "default"
    assert claim["attempt"] == 1
    assert claim["lease_seconds"] == SETTINGS.lease_seconds
    assert claim["query"] == {
        "event_id": "tx-1",
        "lane": "uncertain",
        "timestamp": 1_800_000_000.0,
        "decided_at": 1_800_000_001.25,
        "features": {"amount": 912.5, "country": "PT", "online": True},
        "context": {"note": "second try"},
        "segments": {"country": "PT"},
        "probabilities": {"fraud": 0.46, "legitimate": 0.54},
        "utility": 0.99,
        "propensity": 0.25,
        "contributions": {"amount": 1.31, "country": -0.4},
        "traceparent": None,
        "rules": ["large amounts"],
    }
    assert (await ben.post("/v1/claims", json={})).json() == []


async def test_several_queries_may_be_claimed_at_once(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """The most useful first, and no more than asked for."""
    await desk.queue.offer([query(number) for number in (2, 1, 3)])
    response = await ana.post("/v1/claims", json={"count": 2})
    assert [claim["query"]["event_id"] for claim in response.json()] == ["tx-1", "tx-2"]


@pytest.mark.parametrize("lane", ["explore", "holdout"])
async def test_the_models_opinion_is_hidden_of_what_was_drawn_at_random(
    desk: Reviewing, ana: httpx.AsyncClient, lane: Lane
) -> None:
    """Neither the claim nor the query may sway the reviewer, nor may rules that look at the opinion; nobody
    can tell what is held out from what is explored. Of what is answered leads are told."""
    await desk.queue.offer([query(1, lane=lane)])
    hidden = ("probabilities", "rules", "utility", "propensity", "contributions", "decided_at")
    claim: dict[str, Any] = await claimed(ana)
    path = f"/v1/queries/{claim['query_id']}"
    async with desk.caller("lea") as lea:
        for shown in (claim, (await ana.get(path)).json(), (await lea.get(path)).json()):
            assert [shown["query"][name] for name in hidden] == [None] * 6
            assert shown["query"]["lane"] == "explore"
        assert (await answer(ana, claim, "fraud")).status_code == 201
        shown = (await ana.get(path)).json()
        assert [shown["query"][name] for name in hidden] == [None] * 6
        assert (shown["offered_at"], shown["query"]["lane"]) == (None, "explore")
        shown = (await lea.get(path)).json()
        assert shown["query"]["lane"] == lane
        assert shown["query"]["probabilities"] == {"fraud": 0.46, "legitimate": 0.54}
        assert shown["query"]["rules"] == ["large amounts"]
        assert shown["offered_at"] is not None


async def test_a_long_poll_gets_what_is_offered_meanwhile(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """At once, not when its time is over."""
    polling = asyncio.create_task(claimed(ana, wait_seconds=30))
    await _live_reviewers(ana, 1)
    await desk.queue.offer([query(1)])
    async with asyncio.timeout(20):
        assert (await polling)["query_id"] == query(1).query_id


async def test_a_long_poll_ends_empty(ana: httpx.AsyncClient) -> None:
    """When nothing came in its time."""
    started = asyncio.get_running_loop().time()
    response = await ana.post("/v1/claims", json={"wait_seconds": 0.2})
    assert response.json() == []
    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_a_client_that_hung_up_gets_nothing(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """Its long poll ends with it: what is offered later goes to somebody who is there."""
    running = await serve(desk.app, "127.0.0.1", 0)
    try:
        headers = {"Authorization": f"Bearer {desk.secrets['ben']}"}
        async with httpx.AsyncClient(base_url=running.url, headers=headers) as gone:
            with pytest.raises(httpx.ReadTimeout):
                await gone.post("/v1/claims", json={"wait_seconds": 30}, timeout=0.3)
        await _no_long_poll()
        await desk.queue.offer([query(1)])
        assert (await claimed(ana))["query_id"] == query(1).query_id
    finally:
        await running.stop()


async def test_a_client_that_hangs_up_while_it_is_served_holds_nothing(
    desk: Reviewing, ana: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had been given by then is for the next one to claim."""
    running = await serve(desk.app, "127.0.0.1", 0)
    connection = socket.create_connection(("127.0.0.1", running.port))
    append, hung_up = desk.audit_log.append, asyncio.Event()

    async def hanging_up(records: Sequence[bytes]) -> Sequence[int]:
        monkeypatch.undo()
        connection.close()
        async with asyncio.timeout(20):
            while running._server.server_state.connections:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0)
        hung_up.set()
        return await append(records)

    monkeypatch.setattr(desk.audit_log, "append", hanging_up)
    body = b'{"wait_seconds": 30}'
    lines = [
        "POST /v1/claims HTTP/1.1",
        "Host: desk",
        f"Authorization: Bearer {desk.secrets['ben']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    try:
        await desk.queue.offer([query(1)])
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        await asyncio.wait_for(hung_up.wait(), 20)
        (claim,) = (await ana.post("/v1/claims", json={"wait_seconds": 20})).json()
        assert claim["query_id"] == query(1).query_id
    finally:
        await running.stop()


async def test_a_label_is_recorded_once_and_its_repetition_gets_the_same_answer(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """201, then 200, with one record in the label log; the query says so."""
    await desk.queue.offer([query(1)])
    claim = await claimed(ana)
    first = await answer(ana, claim, "fraud")
    assert first.status_code == 201
    assert first.json() == {
        "query_id": claim["query_id"],
        "label": "fraud",
        "labelled_by": "ana",
        "offset": 0,
        "model_version": 1,
        "revision": 1,
        "etag": '"1"',
    }
    assert first.headers["ETag"] == '"1"'
    for key in ("key-1", "key-2"):
        again = await answer(ana, claim, "fraud", key)
        assert again.status_code == 200
        assert again.json() == first.json()
    view = (await ana.get(f"/v1/queries/{claim['query_id']}")).json()
    assert view["state"] == "labelled"
    assert view["answer"] == first.json()


async def test_a_second_thought_does_not_replace_the_answer(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """409; the first label stands."""
    await desk.queue.offer([query(1)])
    claim = await claimed(ana)
    await answer(ana, claim, "fraud")
    response = await answer(ana, claim, "legitimate")
    assert response.status_code == 409
    assert response.json()["type"] == "/problems/superseded"
    assert response.json()["detail"] == "the query already has its answer"
    assert (await ana.get(f"/v1/queries/{claim['query_id']}")).json()["answer"]["label"] == "fraud"


async def test_a_label_for_a_query_claimed_again_is_kept_as_an_opinion(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """409 for the first holder; the newest fence counts, whoever names an older one."""
    await desk.queue.offer([query(1)])
    lost = await claimed(ana)
    await act(ana, lost, "release")
    held = await claimed(ben)
    assert int(str(held["fence"])) > int(str(lost["fence"]))
    assert (await answer(ana, lost, "legitimate")).status_code == 409
    assert (await answer(ana, held, "legitimate")).status_code == 409  # the fence is another reviewer's
    assert (await answer(ben, held, "fraud")).status_code == 201
    view = (await ana.get(f"/v1/queries/{lost['query_id']}")).json()
    assert view["answer"]["labelled_by"] == "ben"
    assert [opinion["label"] for opinion in view["opinions"]] == ["legitimate"]


async def test_a_sign_of_life_starts_the_lease_anew(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """With the same fence, and a later end."""
    await desk.queue.offer([query(1)])
    claim = await claimed(ana)
    response = await act(ana, claim, "extend")
    assert response.status_code == 200
    extended = response.json()
    assert extended["lease_expires_at"] > claim["lease_expires_at"]
    assert {**extended, "lease_expires_at": None} == {**claim, "lease_expires_at": None}


async def test_a_released_query_is_there_for_others(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """At once; and it is no longer the first holder's to extend."""
    await desk.queue.offer([query(1)])
    claim = await claimed(ana)
    assert (await act(ana, claim, "release")).status_code == 204
    assert (await claimed(ben))["query_id"] == claim["query_id"]
    assert (await act(ana, claim, "extend")).status_code == 409


async def test_of_all_queues_only_ones_own_are_claimed_from(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """A queue of a higher tier is refused when it is named; whoever may claims from it without naming it."""
    await desk.queue.offer([query(1)])
    await act(ana, await claimed(ana), "escalate", reason="beyond me")
    refused = await ana.post("/v1/claims", json={"queue": "escalated"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/not-permitted")
    unknown = await ana.post("/v1/claims", json={"queue": "nowhere"})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown-queue")
    assert (await claimed(ben))["queue"] == "escalated"


async def test_a_paused_reviewer_gets_no_claims_and_is_told_why(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """What is in hand can still be answered; others go on."""
    await desk.queue.offer([query(1), query(2)])
    held = await claimed(ana)
    await desk.queue.pause("ana", "too many questions with known answers were wrong")
    refused = await ana.post("/v1/claims", json={"wait_seconds": 30})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/paused")
    assert "known answers were wrong" in refused.json()["detail"]
    assert (await answer(ana, held, "fraud")).status_code == 201
    assert (await claimed(ben))["query_id"] == query(2).query_id
    await desk.queue.resume("ana")
    assert (await ana.post("/v1/claims", json={})).status_code == 200


async def test_an_enforced_break_says_how_long_it_lasts(valkey: EmbeddedValkey, prefix: str) -> None:
    """429 with Retry-After; nothing is handed out meanwhile."""
    settings = replace(SETTINGS, work_seconds=0.000_001, break_seconds=300.0)
    async with reviewing(valkey.url, valkey.url, prefix, settings) as desk, desk.caller("ana") as ana:
        await desk.queue.offer([query(1), query(2)])
        await claimed(ana)
        refused = await ana.post("/v1/claims", json={})
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/on-break")
        assert 0 < int(refused.headers["Retry-After"]) <= 300
        async with desk.caller("ben") as ben:
            assert (await claimed(ben))["query_id"] == query(2).query_id


async def test_an_escalated_query_waits_in_its_own_queue_with_the_reason(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """Line breaks and any script are taken in the reason."""
    await desk.queue.offer([query(1)])
    claim = await claimed(ana)
    reason = "Devolução?\n\tVer “nota” 日本"
    assert (await act(ana, claim, "escalate", reason=reason)).status_code == 204
    assert (await ana.post("/v1/claims", json={})).json() == []
    assert (await ben.get(f"/v1/queries/{claim['query_id']}")).json()["reason"] == reason
    assert (await claimed(ben, queue="escalated"))["query_id"] == claim["query_id"]


@pytest.mark.parametrize(
    ("method", "action", "body"),
    [
        ("PUT", "label", {"label": "fraud"}),
        ("POST", "extend", {}),
        ("POST", "release", {}),
        ("POST", "escalate", {"reason": "odd"}),
    ],
)
async def test_a_query_nobody_offered_is_not_found(
    ana: httpx.AsyncClient, method: str, action: str, body: dict[str, object]
) -> None:
    """404 of its own type, unlike an address that does not exist."""
    response = await ana.request(
        method,
        f"/v1/claims/00000000000000ff/{action}",
        json={"fence": 1, **body},
        headers={"Idempotency-Key": "1"},
    )
    assert response.status_code == 404
    assert response.json()["type"] == "/problems/unknown-query"
    assert (await ana.get("/v1/queries/00000000000000ff")).json()["type"] == "/problems/unknown-query"


async def test_a_word_that_is_no_label_is_refused_with_those_that_are(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """422; the claim is as it was, and the right label is taken after it."""
    await desk.queue.offer([query(1)])
    claim = await claimed(ana)
    response = await answer(ana, claim, "Fraud\x00")
    assert response.status_code == 422
    assert response.json()["type"] == "/problems/not-a-label"
    assert response.json()["errors"] == [
        {"field": "label", "value": "Fraud\x00", "expected": "must be one of legitimate, fraud"}
    ]
    assert (await answer(ana, claim, "fraud")).status_code == 201


async def test_the_queue_tells_what_waits_and_what_is_in_hand(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """By lane, what is held out among the explored, with the backlog beside its target."""
    await desk.queue.offer([query(1), query(2), query(3, lane="holdout")])
    await claimed(ana)
    status = (await ana.get("/v1/queue")).json()
    assert status["waiting"] == {"uncertain": 2, "explore": 0}
    assert status["leased"]["explore"] == 1
    assert (status["backlog"], status["target_backlog"]) == (3, 20)
    assert status["live_reviewers"] == 1


async def test_the_labels_come_in_order_with_what_they_mean(ana: httpx.AsyncClient) -> None:
    """A label without guideline or examples has empty ones."""
    assert (await ana.get("/v1/labels")).json() == {
        "labels": [
            {"name": "legitimate", "guideline": "", "examples": []},
            {
                "name": "fraud",
                "guideline": "The cardholder did not make it.",
                "examples": ["Three countries in an hour"],
            },
        ],
        "guideline_url": "https://guideline.example/fraud",
        "guideline_version": "2026-11",
    }


async def test_the_model_tells_how_far_it_has_learned(ana: httpx.AsyncClient) -> None:
    """Its version is a label-log offset; and how those in shadow compare."""
    assert (await ana.get("/v1/model")).json() == {
        "preset": "logistic",
        "version": 3,
        "digest": "5d1a0c6e",
        "labels_learned": 3,
        "fold_lag": 0,
        "spec": {"seed": 1},
        "epoch": 1,
        "challengers": {"9f2c": {"labels": 40.0, "gain": 0.02, "wealth": 1.5}},
    }


async def _live_reviewers(client: httpx.AsyncClient, count: int) -> None:
    """Returns once so many have claimed lately: a long poll shows there before it waits."""
    async with asyncio.timeout(20):
        while (await client.get("/v1/queue")).json()["live_reviewers"] < count:  # noqa: ASYNC110 - in the store
            await asyncio.sleep(0.01)


async def _no_long_poll() -> None:
    """Returns once no call waits for work any more."""
    claims = {task for task in asyncio.all_tasks() if "Desk.claim" in repr(task.get_coro())}
    assert len(claims) <= 1
    async with asyncio.timeout(20):
        await asyncio.gather(*claims, return_exceptions=True)

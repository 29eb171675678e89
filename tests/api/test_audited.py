"""What the audit log gets to know of calls, and what it never does."""

from __future__ import annotations

import httpx
import pytest

from streamsel.api.refusals import _FAILURES_AT_ONCE
from streamsel.ports import SourceUnavailable
from streamsel.review.reviewers import Reviewer
from streamsel.services.audit_reading import verify
from tests.api.reviewing import Reviewing, claimed, query


async def told(desk: Reviewing) -> list[tuple[str, str, str, str]]:
    """Who, role, action, query."""
    return [(entry.who, entry.role, entry.action, entry.query_id) for entry in await desk.noted()]


async def test_who_saw_labelled_and_passed_on_a_query_is_noted(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """In the order it happened, under the key's name and role."""
    await desk.queue.offer([query(1), query(2), query(3)])
    first, second, third = (await ana.post("/v1/claims", json={"count": 3})).json()
    ids = [one["query_id"] for one in (first, second, third)]
    label = {"label": "fraud", "fence": first["fence"]}
    await ana.put(f"/v1/claims/{ids[0]}/label", json=label, headers={"Idempotency-Key": "1"})
    await ana.post(f"/v1/claims/{ids[1]}/release", json={"fence": second["fence"]})
    await ana.post(
        f"/v1/claims/{ids[2]}/escalate", json={"fence": third["fence"], "reason": "a private note"}
    )
    await ana.get(f"/v1/queries/{ids[0]}")
    assert await told(desk) == [
        ("ana", "reviewer", "claimed", ids[0]),
        ("ana", "reviewer", "claimed", ids[1]),
        ("ana", "reviewer", "claimed", ids[2]),
        ("ana", "reviewer", "labelled", ids[0]),
        ("ana", "reviewer", "released", ids[1]),
        ("ana", "reviewer", "escalated", ids[2]),
        ("ana", "reviewer", "viewed", ids[0]),
    ]
    assert (await verify(desk.audit_log)).sound


async def test_nothing_of_an_event_and_no_secret_is_noted(desk: Reviewing, ana: httpx.AsyncClient) -> None:
    """Neither fields nor values, reasons nor keys, tokens nor cookies."""
    await desk.queue.offer([query(1, features={"iban": "DE02-secret"}, context={"note": "secret-note"})])
    claim = await claimed(ana)
    body = {"fence": claim["fence"], "reason": "secret-reason"}
    await ana.post(f"/v1/claims/{claim['query_id']}/escalate", json=body)
    async with desk.caller(None, desk.app_with(one_time_token="secret-token")) as browser:
        await browser.post("/v1/session", json={"token": "secret-guess"})
        await browser.post("/v1/session", json={"token": "secret-token"})
        await browser.get("/v1/queue", headers={"Authorization": "Bearer ssk_secret"})
        session = browser.cookies["streamsel"]
    everything = str(await desk.noted())
    for secret in ("iban", "secret", session, desk.secrets["ana"]):
        assert secret not in everything


async def test_coming_and_going_is_noted(desk: Reviewing) -> None:
    """With the address they came from."""
    async with desk.caller(None, desk.app_with(one_time_token="token")) as browser:
        await browser.post("/v1/session", json={"token": "token"})
        page = {"X-Requested-With": "streamsel", "Sec-Fetch-Site": "same-origin"}
        await browser.delete("/v1/session", headers=page)
    signed_in, signed_out = await desk.noted()
    assert (signed_in.who, signed_in.action, signed_in.detail) == (
        "you",
        "signed in",
        {"address": "127.0.0.1"},
    )
    assert (signed_out.who, signed_out.action) == ("you", "signed out")


async def test_refusals_are_noted(
    desk: Reviewing, shop: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    """An unknown key with its address, and a known caller by name; no credentials at all are nothing."""
    await stranger.get("/v1/queue")
    await stranger.get("/v1/queue", headers={"Authorization": "Bearer ssk_guess"})
    await shop.get("/v1/queue")
    unknown, forbidden = await desk.noted()
    assert (unknown.who, unknown.role, unknown.action) == ("", "", "refused")
    assert unknown.detail == {"address": "127.0.0.1", "what": "an unknown key"}
    assert (forbidden.who, forbidden.role, forbidden.action) == ("shop", "producer", "refused")
    assert forbidden.detail == {"call": "GET /v1/queue", "what": "it needs the role reviewer"}


async def test_guessing_is_limited_and_locks_out_nobody_else(
    desk: Reviewing, ana: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    """429 with Retry-After and no more entries; a right key from the same address works on."""
    guess = {"Authorization": "Bearer ssk_guess"}
    statuses = [(await stranger.get("/v1/queue", headers=guess)).status_code for _ in range(30)]
    assert statuses == [401] * _FAILURES_AT_ONCE + [429] * (30 - _FAILURES_AT_ONCE)
    response = await stranger.get("/v1/queue", headers=guess)
    assert response.json()["type"] == "/problems/too-many-calls"
    assert 1 <= int(response.headers["Retry-After"]) <= 5
    assert len(await desk.noted()) == _FAILURES_AT_ONCE
    assert (await ana.get("/v1/queue")).status_code == 200


async def test_one_caller_may_call_only_so_often(desk: Reviewing) -> None:
    """429 with Retry-After; others are served."""
    app = desk.app_with(auth=desk.parts.auth.model_copy(update={"calls_per_second": 1}))
    async with desk.caller("ana", app) as ana, desk.caller("ben", app) as ben:
        responses = [await ana.get("/v1/labels") for _ in range(30)]
        assert [one.status_code for one in responses[:10]] == [200] * 10
        assert responses[-1].status_code == 429
        assert responses[-1].headers["Content-Type"] == "application/problem+json"
        assert int(responses[-1].headers["Retry-After"]) >= 1
        assert (await ben.get("/v1/labels")).status_code == 200


async def test_what_cannot_be_noted_is_not_shown(
    desk: Reviewing, ana: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 while the audit log is away, and the query waits for whoever comes next."""

    async def away(_: object) -> list[int]:
        raise SourceUnavailable("nobody there")

    await desk.queue.offer([query(1)])
    before = (await claimed(ana))["fence"]
    await ana.post("/v1/claims/0000000000000001/release", json={"fence": before})
    with monkeypatch.context() as outage:
        outage.setattr(desk.audit_log, "append", away)
        response = await ana.post("/v1/claims", json={})
        assert response.status_code == 503
        assert response.json()["type"] == "/problems/unaudited"
        assert "Retry-After" in response.headers
        assert (await ana.get("/v1/queries/0000000000000001")).status_code == 503
        assert (await ana.get("/v1/queries/0000000000000001")).json().keys() & {"query"} == set()
    assert (await claimed(ana))["fence"] != before


async def test_what_cannot_be_noted_before_its_lease_ends_is_no_conflict(
    desk: Reviewing, ana: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not theirs to give back any more, and they still learn that the audit log is away."""

    async def away_for_long(_: object) -> list[int]:
        fence = (await desk.queue.view("0000000000000001")).fence
        await desk.queue.release("0000000000000001", fence, "ana")
        await desk.queue.claim(Reviewer("ben"), (), 1)
        raise SourceUnavailable("nobody there")

    await desk.queue.offer([query(1)])
    with monkeypatch.context() as outage:
        outage.setattr(desk.audit_log, "append", away_for_long)
        response = await ana.post("/v1/claims", json={})
    assert (response.status_code, response.json()["type"]) == (503, "/problems/unaudited")

"""Whatever is sent, the right status and a clear problem come back, and nothing has changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.acting import answer
from tests.api.reviewing import Reviewing, claimed, query

_TEN_MEGABYTES = b'{"fence": 1, "reason": "' + b"x" * 10_000_000 + b'"}'


@pytest.fixture
async def claim(desk: Reviewing, ana: httpx.AsyncClient) -> AsyncIterator[dict[str, Any]]:
    """What ana has in hand; in the end she can still answer it, as if nothing had been."""
    await desk.queue.offer([query(1)])
    held = await claimed(ana)
    yield held
    assert await desk.logged() == []
    assert (await answer(ana, held, "fraud")).status_code == 201


def _calls(claim: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Everything that changes something about a claim, as it should be."""
    path, named = f"/v1/claims/{claim['query_id']}", {"fence": claim["fence"]}
    return [
        ("PUT", f"{path}/label", {**named, "label": "fraud"}),
        ("POST", f"{path}/extend", named),
        ("POST", f"{path}/release", named),
        ("POST", f"{path}/skip", {**named, "reason": "unsure"}),
        ("POST", f"{path}/escalate", {**named, "reason": "odd"}),
    ]


async def _send(client: httpx.AsyncClient, method: str, path: str, **sent: Any) -> httpx.Response:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "key-bad"}
    return await client.request(method, path, headers=headers, **sent)


async def test_a_wrong_fence(ana: httpx.AsyncClient, claim: dict[str, Any]) -> None:
    """One below and one above; both are superseded."""
    for change in (-1, 1):
        for method, path, body in _calls(claim):
            response = await _send(ana, method, path, json={**body, "fence": claim["fence"] + change})
            assert (response.status_code, response.json()["type"]) == (409, "/problems/superseded"), path


async def test_somebody_elses_claim(ben: httpx.AsyncClient, claim: dict[str, Any]) -> None:
    """The right fence in the wrong hands."""
    for method, path, body in _calls(claim):
        response = await _send(ben, method, path, json=body)
        assert (response.status_code, response.json()["type"]) == (409, "/problems/superseded"), path


async def test_a_forged_reviewer(ana: httpx.AsyncClient, claim: dict[str, Any]) -> None:
    """Who answers is known by the key: a name in the body is refused."""
    for name in ("reviewer", "labelled_by", "name"):
        for method, path, body in _calls(claim):
            response = await _send(ana, method, path, json={**body, name: "ben"})
            assert response.status_code == 422, path
            assert [error["field"] for error in response.json()["errors"]] == [name]


async def test_a_body_of_ten_megabytes(ana: httpx.AsyncClient, claim: dict[str, Any]) -> None:
    """Refused by its announced length."""
    for method, path, _ in [*_calls(claim), ("POST", "/v1/labels", {}), ("POST", "/v1/claims", {})]:
        response = await _send(ana, method, path, content=_TEN_MEGABYTES)
        assert (response.status_code, response.json()["type"]) == (413, "/problems/too-large"), path


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31mred", "a\x7f", "a\x9bb"])
async def test_control_characters(ana: httpx.AsyncClient, claim: dict[str, Any], text: str) -> None:
    """Neither as a reason, nor as a label."""
    for method, path, body in _calls(claim):
        for name in {"reason", "label"} & body.keys():
            response = await _send(ana, method, path, json={**body, name: text})
            assert response.status_code == 422, path
            assert [error["field"] for error in response.json()["errors"]] == [name]


async def test_markup_is_text_like_any_other(desk: Reviewing) -> None:
    """In every field of an event, and in a reason: it comes back as it went in, and never as a page."""
    markup = "<img src=x onerror=alert(1)>"
    await desk.queue.offer([query(1, features={markup: markup}, context={"note": markup})])
    async with desk.caller("ben") as ben:
        held = await claimed(ben)
        assert held["query"]["features"] == {markup: markup}  # type: ignore[index]
        path = f"/v1/claims/{held['query_id']}/escalate"
        assert (await _send(ben, "POST", path, json={"fence": held["fence"], "reason": markup})).is_success
        response = await ben.get(f"/v1/queries/{held['query_id']}")
    assert response.json()["reason"] == markup
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_key_of_another_scope(desk: Reviewing, claim: dict[str, Any]) -> None:
    """A producer's opens none of it."""
    async with desk.caller("shop") as shop:
        for method, path, body in _calls(claim):
            response = await _send(shop, method, path, json=body)
            assert (response.status_code, response.json()["type"]) == (403, "/problems/forbidden"), path


async def test_a_skipped_query_is_not_shown_to_them_again(
    desk: Reviewing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """It is there for others at once; the skip is in the audit log."""
    await desk.queue.offer([query(1)])
    held = await claimed(ana)
    path = f"/v1/claims/{held['query_id']}/skip"
    assert (
        await _send(ana, "POST", path, json={"fence": held["fence"], "reason": "unsure"})
    ).status_code == 204
    assert (await ana.post("/v1/claims", json={})).json() == []
    assert (await claimed(ben))["query_id"] == held["query_id"]
    assert ("ana", "skipped") in [(entry.who, entry.action) for entry in await desk.noted()]

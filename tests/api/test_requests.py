"""Requests that are not as they must be: what is said, and what is not repeated."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.api.limits import MAX_BODY_BYTES
from streamsel.api.mistakes import LONGEST_VALUE, explained
from tests.api.reviewing import Reviewing

LABEL = "/v1/claims/0000000000000001/label"
ESCALATE = "/v1/claims/0000000000000001/escalate"


async def _refused(client: httpx.AsyncClient, path: str, body: object) -> list[dict[str, object]]:
    method = "PUT" if path == LABEL else "POST"
    response = await client.request(
        method,
        path,
        content=json.dumps(body),
        headers={"Content-Type": "application/json", "Idempotency-Key": "1"},
    )
    problem = response.json()
    assert response.status_code == problem["status"] == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == "/problems/invalid"
    assert problem["title"]
    assert problem["detail"]
    return list(problem["errors"])


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/v1/claims", {"count": 0}, ("count", 0, "should be greater than or equal to 1")),
        ("/v1/claims", {"count": 101}, ("count", 101, "should be less than or equal to 100")),
        ("/v1/claims", {"count": "1"}, ("count", "1", "should be a valid integer")),
        ("/v1/claims", {"count": True}, ("count", True, "should be a valid integer")),
        ("/v1/claims", {"wait_seconds": 31}, ("wait_seconds", 31, "should be less than or equal to 30")),
        ("/v1/claims", {"wait_seconds": -1}, ("wait_seconds", -1, "should be greater than or equal to 0")),
        ("/v1/claims", {"queue": "no name"}, ("queue", "no name", "should match pattern")),
        (LABEL, {"label": "fraud", "fence": 0}, ("fence", 0, "should be greater than or equal to 1")),
        (LABEL, {"label": "fraud", "fence": None}, ("fence", None, "should be a valid integer")),
        (LABEL, {"label": 3, "fence": 1}, ("label", 3, "should be a valid string")),
        (ESCALATE, {"fence": 1, "reason": ""}, ("reason", "", "should have at least 1 character")),
        (
            ESCALATE,
            {"fence": 1, "reason": "a\x1bb"},
            ("reason", "a\x1bb", "must not hold control characters"),
        ),
        ("/v1/claims/a%20b/release", {"fence": 1}, ("query_id", "a b", "should match pattern")),
    ],
)
async def test_the_field_its_value_and_what_is_right_are_named(
    ana: httpx.AsyncClient, path: str, body: dict[str, object], error: tuple[str, object, str]
) -> None:
    """In the problem's ``errors``."""
    (found,) = await _refused(ana, path, body)
    assert (found["field"], found["value"]) == error[:2]
    assert str(found["expected"]).startswith(error[2])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (LABEL, {"label": "fraud"}, "fence"),
        (LABEL, {"label": "fraud", "fence": 1, "api_key": "ssk_mine"}, "api_key"),
        (LABEL, {"label": "fraud", "fence": 1, "\ud800": 1}, "body"),
        (LABEL, ["ssk_mine"], "body"),
        (LABEL, "ssk_mine", "body"),
        (ESCALATE, {"fence": 1, "reason": ["ssk_mine"]}, "reason"),
    ],
)
async def test_no_value_is_repeated_that_may_be_secret(
    ana: httpx.AsyncClient, path: str, body: object, field: str
) -> None:
    """Not of unknown fields, nor of a whole body."""
    (found,) = await _refused(ana, path, body)
    assert found["field"] == field
    assert "value" not in found


@pytest.mark.parametrize("key", [None, "", "x" * 256, "with space"])
async def test_a_label_needs_an_idempotency_key(ana: httpx.AsyncClient, key: str | None) -> None:
    """Or its repetition could not be told from a new one."""
    headers = {} if key is None else {"Idempotency-Key": key}
    response = await ana.put(LABEL, json={"label": "fraud", "fence": 1}, headers=headers)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["Idempotency-Key"]


async def test_several_mistakes_are_named_at_once(ana: httpx.AsyncClient) -> None:
    """So that nobody has to find them one by one."""
    errors = await _refused(ana, "/v1/claims", {"count": 0, "queue": "", "reviewer": "ben"})
    assert {error["field"] for error in errors} == {"count", "queue", "reviewer"}


async def test_a_whole_number_may_be_written_with_a_point(ana: httpx.AsyncClient) -> None:
    """JSON does not tell 2.0 from 2."""
    assert (await ana.post("/v1/claims", json={"count": 2.0})).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{'count': 1}",
        b"\xff\xfe",
        b'{"count": 1}}',
        b"[" * 10_000,
        b'{"count": ' + b"9" * 5_000 + b"}",
    ],
)
async def test_a_body_that_is_not_json_is_refused(ana: httpx.AsyncClient, content: bytes) -> None:
    """Whatever is wrong with it, and nothing of it is repeated."""
    response = await ana.post("/v1/claims", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert response.json()["type"] in ("/problems/malformed", "/problems/invalid")
    assert len(response.content) < 500


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "text/json", ""])
async def test_only_json_is_taken(ana: httpx.AsyncClient, media_type: str) -> None:
    """No form of a foreign page can send it."""
    response = await ana.post("/v1/claims", content=b"{}", headers={"Content-Type": media_type})
    assert response.status_code == 415
    assert response.json()["type"] == "/problems/wrong-media-type"


async def test_the_media_type_may_have_parameters(ana: httpx.AsyncClient) -> None:
    """And be written in any case."""
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await ana.post("/v1/claims", content=b"{}", headers=headers)).status_code == 200


async def test_a_large_body_is_refused_by_its_announced_length(ana: httpx.AsyncClient) -> None:
    """Unread."""

    async def unread() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    headers = {"Content-Type": "application/json", "Content-Length": str(MAX_BODY_BYTES + 1)}
    response = await ana.post("/v1/claims", content=unread(), headers=headers)
    assert response.status_code == 413
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/too-large"
    assert str(MAX_BODY_BYTES) in response.json()["detail"]


async def test_a_large_body_is_refused_while_it_grows(ana: httpx.AsyncClient) -> None:
    """When its length was not announced, no more is read than may be taken."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b" " * 1024

    headers = {"Content-Type": "application/json"}
    response = await ana.post("/v1/claims", content=endless(), headers=headers)
    assert response.status_code == 413
    assert sent <= MAX_BODY_BYTES + 2 * 1024


async def test_a_method_an_address_does_not_take_is_named(ana: httpx.AsyncClient) -> None:
    """With those it takes."""
    response = await ana.put("/v1/queue")
    assert response.status_code == 405
    assert response.json()["type"] == "/problems/method-not-allowed"
    assert response.headers["Allow"] == "GET"
    assert (await ana.put("/v1/session")).headers["Allow"] == "DELETE, GET, POST"


async def test_an_error_of_ours_tells_nothing_of_the_inside(desk: Reviewing) -> None:
    """500 as a problem; what happened is in the log alone."""

    def broken() -> None:
        raise RuntimeError("a secret path")

    async with desk.caller("ana", desk.app_with(model=broken)) as client:
        response = await client.get("/v1/model")
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/internal"
    assert "secret" not in response.text


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())


@given(field=st.text(st.characters(), min_size=1), value=_SCALARS)
def test_any_mistake_can_be_sent_as_json(field: str, value: object) -> None:
    """Unpaired surrogates, infinities and endless texts included, and it stays short."""
    error = {
        "type": "int_type",
        "loc": ("body", field),
        "msg": "Input should be a valid integer",
        "input": value,
    }
    (found,) = explained([error])
    sent = json.dumps(found.model_dump(), allow_nan=False, ensure_ascii=False).encode()
    assert len(sent) < 20 * LONGEST_VALUE


@pytest.mark.parametrize("caller", ["ana", None])
async def test_huge_headers_are_refused(desk: Reviewing, caller: str | None) -> None:
    """Whoever sends them, before anything looks at them."""
    async with desk.caller(caller) as client:
        for headers in ({"X-Large": "x" * 17_000}, {f"X-{n}": "x" * 100 for n in range(200)}):
            response = await client.get("/v1/queue", headers=headers)
            assert response.status_code == 431
            assert response.json()["type"] == "/problems/headers-too-large"
            assert response.headers["Content-Type"] == "application/problem+json"

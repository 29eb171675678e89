"""Events by HTTP: into the stream as they are."""

from __future__ import annotations

import json

import httpx
import pytest

from streamsel.api.routes.events import MOST_EVENTS
from tests.api.reviewing import Reviewing

LINES = {"Content-Type": "application/x-ndjson"}


async def _in_stream(desk: Reviewing) -> list[bytes]:
    return [value for _, value in await desk.events.read(0, 10_000, 0.0)]


async def test_one_event_goes_into_the_stream_as_it_is(desk: Reviewing, shop: httpx.AsyncClient) -> None:
    """Byte for byte, with its place in the stream in return."""
    event = b'{ "id": "tx-1",\n "amount": 12.50 }'
    headers = {"Content-Type": "application/json"}
    response = await shop.post("/v1/events", content=event, headers=headers)
    assert response.status_code == 202
    (source,) = response.json()["sources"]
    assert (source["partition"], source["offset"]) == (0, 0)
    assert await _in_stream(desk) == [event]


async def test_many_events_go_in_one_call(desk: Reviewing, shop: httpx.AsyncClient) -> None:
    """One a line, in order; empty lines and the carriage returns of line ends are left out."""
    content = b'{"id": 1}\n{"id": 2}\r\n\n  \n{"id": 3}'
    response = await shop.post("/v1/events", content=content, headers=LINES)
    assert response.status_code == 202
    assert [source["offset"] for source in response.json()["sources"]] == [0, 1, 2]
    assert await _in_stream(desk) == [b'{"id": 1}', b'{"id": 2}', b'{"id": 3}']


async def test_a_bad_line_is_left_to_the_dead_letters(desk: Reviewing, shop: httpx.AsyncClient) -> None:
    """The others are not held up by it."""
    content = b'{"id": 1}\nnot json\n\xff\x00\n{"id": 2}'
    assert (await shop.post("/v1/events", content=content, headers=LINES)).status_code == 202
    assert await _in_stream(desk) == [b'{"id": 1}', b"not json", b"\xff\x00", b'{"id": 2}']


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not json", "not_json"),
        (b"", "not_json"),
        (b"[1, 2]", "not_an_object"),
        (b'{"id": NaN}', "not_finite"),
        (b'{"id": "\xff"}', "not_utf8"),
        (b'{"id": 1, "id": 2}', "duplicate_keys"),
    ],
)
async def test_a_single_body_that_is_no_event_is_refused_at_once(
    desk: Reviewing, shop: httpx.AsyncClient, content: bytes, reason: str
) -> None:
    """By the reason the dead letters would give."""
    response = await shop.post("/v1/events", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    assert response.json()["type"] == "/problems/unreadable-event"
    assert response.json()["detail"].startswith(reason)
    assert await _in_stream(desk) == []


async def test_too_large_an_event_is_refused(desk: Reviewing, shop: httpx.AsyncClient) -> None:
    """Alone or among others, of which then none is taken."""
    limit = desk.parts.max_event_bytes
    large = json.dumps({"id": "x" * limit}).encode()
    alone = await shop.post("/v1/events", content=large, headers={"Content-Type": "application/json"})
    assert alone.status_code == 413
    among = await shop.post("/v1/events", content=b'{"id": 1}\n' + large, headers=LINES)
    assert among.status_code == 413
    (error,) = among.json()["errors"]
    assert error == {"field": "event 2", "value": f"{len(large)} bytes", "expected": f"at most {limit} bytes"}
    assert await _in_stream(desk) == []


async def test_too_many_events_are_refused(desk: Reviewing, shop: httpx.AsyncClient) -> None:
    """As many as may be are taken."""
    most = b"{}\n" * MOST_EVENTS
    assert (await shop.post("/v1/events", content=most + b"{}", headers=LINES)).status_code == 413
    assert await _in_stream(desk) == []
    assert len((await shop.post("/v1/events", content=most, headers=LINES)).json()["sources"]) == MOST_EVENTS


async def test_no_event_at_all_is_a_mistake(shop: httpx.AsyncClient) -> None:
    """Empty lines are no events."""
    response = await shop.post("/v1/events", content=b"\n\n", headers=LINES)
    assert response.status_code == 422
    assert response.json()["type"] == "/problems/invalid"


@pytest.mark.parametrize("media_type", ["text/csv", "", "multipart/form-data; boundary=x"])
async def test_other_kinds_of_content_are_refused(shop: httpx.AsyncClient, media_type: str) -> None:
    """With the two that are taken."""
    response = await shop.post("/v1/events", content=b"{}", headers={"Content-Type": media_type})
    assert response.status_code == 415
    assert "application/x-ndjson" in response.json()["detail"]

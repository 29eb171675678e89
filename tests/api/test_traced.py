"""The trace of an event, and that of a call: where each is shown, kept and logged."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
import structlog
from structlog.contextvars import merge_contextvars

from streamsel.adapters.redis_streams import command
from streamsel.ports import Answer
from streamsel.records import Label, Lane
from streamsel.review.refusals import DeskUnreachable
from tests.api.acting import answer
from tests.api.reviewing import Reviewing, claimed, query

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CALL = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
JSON = {"Content-Type": "application/json"}

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged, with what the calls at hand have bound."""
    captured = structlog.testing.LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[merge_contextvars, captured])
    yield captured.entries
    structlog.configure(processors=before)


async def sent(desk: Reviewing, shop: httpx.AsyncClient, *traceparents: str) -> dict[bytes, bytes]:
    """Sends an event with these headers; the fields of its entry in the stream."""
    headers = [("traceparent", one) for one in traceparents]
    response = await shop.post("/v1/events", content=b'{"id": 1}', headers=[*JSON.items(), *headers])
    assert response.status_code == 202
    (entry,) = await command(desk.events._client, "XRANGE", desk.events._key, "-", "+")
    return dict(zip(entry[1][::2], entry[1][1::2], strict=True))


async def test_an_event_by_http_belongs_to_the_trace_of_its_call(
    desk: Reviewing, shop: httpx.AsyncClient
) -> None:
    """Beside it in the stream, and not in it."""
    assert await sent(desk, shop, TRACE) == {b"v": b'{"id": 1}', b"traceparent": TRACE.encode()}


@pytest.mark.parametrize("traceparents", [(), ("nonsense",), (TRACE, CALL)])
async def test_no_trace_is_made_up_for_an_event(
    desk: Reviewing, shop: httpx.AsyncClient, traceparents: Sequence[str]
) -> None:
    """Without a header, with a malformed one, with two."""
    assert await sent(desk, shop, *traceparents) == {b"v": b'{"id": 1}'}


async def test_a_claim_shows_the_events_trace_and_its_label_keeps_it(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """That of the call that answers is another's: of who answered, not of what happened."""
    await desk.queue.offer([replace(query(1), traceparent=TRACE)])
    ana.headers["traceparent"] = CALL
    claim = await claimed(ana)
    assert claim["query"]["traceparent"] == TRACE  # type: ignore[index]
    assert (await answer(ana, claim, "fraud")).status_code == 201
    (label,) = await desk.logged()
    assert isinstance(label, Label)
    assert label.traceparent == TRACE


@pytest.mark.parametrize("lane", ["explore", "holdout"])
async def test_the_trace_is_hidden_of_what_was_drawn_at_random(
    desk: Reviewing, ana: httpx.AsyncClient, lane: Lane
) -> None:
    """A question whose answer is known has none, and could be told by that."""
    await desk.queue.offer([replace(query(1, lane), traceparent=TRACE)])
    claim = await claimed(ana)
    assert claim["query"]["traceparent"] is None  # type: ignore[index]


async def unsettled(desk: Reviewing, ana: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers while the store is lost between the log and the settling, which is logged."""

    async def unreachable(*_: object) -> Sequence[Answer]:
        raise DeskUnreachable("lost")

    await desk.queue.offer([replace(query(1), traceparent=TRACE)])
    claim = await claimed(ana)
    with monkeypatch.context() as patch:
        patch.setattr(desk.queue, "settle", unreachable)
        assert (await answer(ana, claim, "fraud")).status_code == 201


async def test_a_log_line_about_a_query_is_in_its_events_trace(
    desk: Reviewing, ana: httpx.AsyncClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By trace and span."""
    await unsettled(desk, ana, monkeypatch)
    (line,) = [line for line in lines if line["event"] == "answer_not_settled"]
    assert (line["trace_id"], line["span_id"]) == tuple(TRACE.split("-")[1:3])
    assert line["query_id"] == query(1).query_id


async def test_log_lines_of_a_call_in_a_trace_are_in_that_one(
    desk: Reviewing, ana: httpx.AsyncClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever follows what their call did finds it; those after it are free of it."""
    ana.headers["traceparent"] = CALL
    await unsettled(desk, ana, monkeypatch)
    del ana.headers["traceparent"]
    structlog.get_logger().info("afterwards")
    about = {line["event"]: (line.get("trace_id"), line.get("span_id")) for line in lines}
    assert about["answer_not_settled"] == tuple(CALL.split("-")[1:3])
    assert about["afterwards"] == (None, None)

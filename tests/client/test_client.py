"""The client's calls, blocking and awaited alike, against a real desk."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.api.server import serve
from streamsel.client import AsyncClient, Claim, Client, Problem, QueueFigures
from tests.api.reviewing import LABELS, Reviewing, query, reviewing
from tests.client.conftest import Calling, calling
from tests.servers import running_valkey


def test_both_clients_have_the_same_calls() -> None:
    """With the same arguments: a program moves from one to the other by adding ``await``."""

    def calls(client: type) -> dict[str, list[str]]:
        methods = inspect.getmembers(client, inspect.isfunction)
        return {
            name.removeprefix("a") if name == "aclose" else name: list(inspect.signature(method).parameters)
            for name, method in methods
            if not name.startswith("_")
        }

    assert calls(Client) == calls(AsyncClient)


async def test_queries_are_claimed_and_answered(desk: Reviewing, ana: Calling) -> None:
    """The example of the documentation, once around; a repetition with one key is recorded once."""
    await desk.queue.offer([query(1), query(2)])
    first, second = await ana("claim", count=5)
    assert isinstance(first, Claim)
    assert first.query.features["amount"] == 912.5
    answer = await ana("label", first, LABELS.names[0], idempotency_key="mine")
    again = await ana("label", first, LABELS.names[0], idempotency_key="mine")
    assert answer == again
    assert (answer.query_id, answer.labelled_by, answer.offset) == (first.query_id, "ana", 0)
    assert (await ana("label", second, LABELS.names[1])).offset == 1
    assert await ana("claim") == []


async def test_a_claim_is_kept_returned_and_handed_on(desk: Reviewing, ana: Calling) -> None:
    """Extended it lasts longer; released it may be claimed again; escalated it waits elsewhere."""
    await desk.queue.offer([query(1)])
    (claim,) = await ana("claim", "default", 1, 5.0)
    kept = await ana("extend", claim)
    assert kept.fence == claim.fence
    assert kept.lease_expires_at >= claim.lease_expires_at
    await ana("release", claim)
    (claim,) = await ana("claim", "default")
    await ana("escalate", claim, "beyond me")
    assert await ana("claim", "default") == []
    assert (await desk.queue.view(claim.query_id)).queue == "escalated"


async def test_an_answer_is_corrected_and_taken_back(desk: Reviewing, ana: Calling) -> None:
    """By what the list of the last ones says of it; one that has changed since is refused."""
    await desk.queue.offer([query(1), query(2)])
    skipped, claim = await ana("claim", count=2)
    await ana("skip", skipped, "not my field")
    await ana("label", claim, LABELS.names[0])
    (past,) = await ana("answers")
    assert (past.query_id, past.label, past.revision) == (claim.query_id, LABELS.names[0], 1)
    corrected = await ana("correct", past, LABELS.names[1])
    assert (corrected.label, corrected.revision) == (LABELS.names[1], 2)
    with pytest.raises(Problem, match="412") as stale:
        await ana("undo", past)
    assert stale.value.type == "/problems/stale"
    (newest,) = await ana("answers")
    again = await ana("undo", newest)
    assert again.query_id == claim.query_id
    assert (await ana("label", again, LABELS.names[0])).revision == 4
    assert await ana("claim") == []


async def test_what_the_desk_refuses_is_raised(desk: Reviewing, ana: Calling) -> None:
    """With type, title, status and detail as the desk says them, and what was wrong with each field."""
    await desk.queue.offer([query(1)])
    (claim,) = await ana("claim")
    with pytest.raises(Problem) as refused:
        await ana("label", claim, "neither")
    problem = refused.value
    assert (problem.type, problem.status) == ("/problems/not-a-label", 422)
    assert problem.title == "That is not one of the labels"
    assert "neither" in problem.detail
    assert problem.errors[0]["field"] == "label"
    assert problem.retry_after is None
    await ana("release", claim)
    with pytest.raises(Problem, match="409"):
        await ana("extend", claim)


async def test_events_are_sent(desk: Reviewing, url: str, kind: str) -> None:
    """As they are, one a line; texts of any script."""
    async with calling(kind, url, desk.secrets["shop"]) as shop:
        assert await shop("send", [{"id": 1, "note": "ünïcödé\n"}, {"id": 2}]) == 2
    records = await desk.events.read(0, 10, 0.0)
    assert [value for _, value in records] == [
        b'{"id": 1, "note": "\\u00fcn\\u00efc\\u00f6d\\u00e9\\n"}',
        b'{"id": 2}',
    ]


async def test_the_figures_are_followed_blocking(desk: Reviewing, url: str) -> None:
    """Now and at every change."""

    def follow() -> list[QueueFigures]:
        with Client(url, desk.secrets["ana"]) as client:
            assert client.queue().target_backlog == 20
            told.set()
            return list(islice((one for one in client.live() if one.backlog == 1), 1))

    class _Told:
        def set(self) -> None:
            loop.call_soon_threadsafe(begun.set)

    loop, begun, told = asyncio.get_running_loop(), asyncio.Event(), _Told()
    following = asyncio.create_task(asyncio.to_thread(follow))
    await begun.wait()
    await desk.queue.offer([query(1)])
    (figures,) = await following
    assert figures.waiting["uncertain"] == 1


async def test_the_figures_are_followed_awaited(desk: Reviewing, url: str) -> None:
    """Now and at every change; a caller who may not is told so."""
    async with AsyncClient(url, desk.secrets["ana"]) as client:
        live = client.live()
        assert (await anext(live)).backlog == 0
        await desk.queue.offer([query(1)])
        async for figures in live:
            if figures.backlog == 1:
                break
        await live.aclose()  # type: ignore[attr-defined]
    async with AsyncClient(url, desk.secrets["shop"]) as client:
        with pytest.raises(Problem, match="403"):
            await anext(client.live())


@pytest.fixture
def desk_server() -> Iterator[EmbeddedValkey]:
    """A server of its own for the desk's store, to be killed."""
    with running_valkey() as server:
        yield server


class _Refusals:
    """The API, with an event for when it has asked somebody to come back."""

    def __init__(self, app: FastAPI) -> None:
        self.state = app.state
        self.refused = asyncio.Event()
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message.get("status") == 503 or b'"status":503' in message.get("body", b""):
                self.refused.set()
            await send(message)

        await self._app(scope, receive, noting)


@asynccontextmanager
async def _serving(app: _Refusals) -> AsyncIterator[str]:
    running = await serve(app, "127.0.0.1", 0)  # type: ignore[arg-type]
    yield running.url
    await running.stop()


async def test_a_desk_that_is_away_for_a_moment_is_waited_for(
    desk_server: EmbeddedValkey, valkey: EmbeddedValkey, prefix: str, kind: str
) -> None:
    """The call is repeated under the same key until it is answered; the label is recorded once."""
    async with reviewing(desk_server.url, valkey.url, prefix) as desk:
        app = _Refusals(desk.app)
        async with _serving(app) as url, calling(kind, url, desk.secrets["ana"]) as ana:
            await desk.queue.offer([query(1)])
            (claim,) = await ana("claim")
            desk_server.kill()
            labelling = asyncio.create_task(ana("label", claim, LABELS.names[0]))
            await app.refused.wait()
            desk_server.start()
            assert (await labelling).offset == 0
            assert await desk.parts.desk._label_log.end() == 1  # type: ignore[union-attr]


async def test_many_answers_are_sent_until_all_are_recorded(
    desk_server: EmbeddedValkey, valkey: EmbeddedValkey, prefix: str, kind: str
) -> None:
    """Though the call as a whole is answered, and only its parts are asked to come back."""
    async with reviewing(desk_server.url, valkey.url, prefix) as desk:
        app = _Refusals(desk.app)
        async with _serving(app) as url, calling(kind, url, desk.secrets["ana"]) as ana:
            await desk.queue.offer([query(number) for number in range(3)])
            claims = await ana("claim", count=3)
            desk_server.kill()
            answers = [(claim, LABELS.names[0]) for claim in claims]
            labelling = asyncio.create_task(ana("label_many", answers))
            await app.refused.wait()
            desk_server.start()
            assert {one.status for one in await labelling} <= {200, 201}
            assert len(await desk.logged()) == 3


async def test_figures_are_waited_for_too(
    desk_server: EmbeddedValkey, valkey: EmbeddedValkey, prefix: str, kind: str
) -> None:
    """A stream that is refused for a moment is asked for again."""
    async with reviewing(desk_server.url, valkey.url, prefix) as desk:
        app = _Refusals(desk.app)
        desk_server.kill()
        async with _serving(app) as url:
            following = asyncio.create_task(_first_figures(kind, url, desk.secrets["ana"]))
            await app.refused.wait()
            desk_server.start()
            assert (await following).backlog == 0


async def _first_figures(kind: str, url: str, secret: str) -> QueueFigures:
    if kind == "asyncio":
        async with AsyncClient(url, secret) as client:
            return await anext(client.live())

    def first() -> QueueFigures:
        with Client(url, secret) as client:
            return next(client.live())

    return await asyncio.to_thread(first)


async def test_patience_ends(desk_server: EmbeddedValkey, prefix: str, kind: str) -> None:
    """Then what the desk said last is raised, with how long it asked to wait."""
    async with reviewing(desk_server.url, desk_server.url, prefix) as desk:
        app = _Refusals(desk.app)
        desk_server.kill()
        async with _serving(app) as url:
            async with calling(kind, url, desk.secrets["ana"], patience_seconds=1.0) as ana:
                with pytest.raises(Problem, match="503") as refused:
                    await ana("queue")
            assert refused.value.type == "/problems/desk-unreachable"
            assert refused.value.retry_after == 2.0
        desk_server.start()


async def test_nobody_at_the_address_is_an_error_of_transport(desk: Reviewing, url: str, kind: str) -> None:
    """It is httpx's own, so that its words and kinds are those one knows."""
    gone = url.rsplit(":", 1)[0] + ":9"
    async with calling(kind, gone, desk.secrets["ana"], patience_seconds=0.0) as ana:
        with pytest.raises(httpx.ConnectError):
            await ana("queue")

"""The server inside the process: its port, its signals, its end."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Sequence

import httpx
import pytest

from streamsel.api.server import serve
from streamsel.records import Source
from tests.api.reviewing import Reviewing, query


async def test_a_server_answers_until_it_is_stopped(desk: Reviewing) -> None:
    """On a free port when it may choose; afterwards nobody listens there."""
    running = await serve(desk.app, "127.0.0.1", 0)
    assert running.url == f"http://127.0.0.1:{running.port}"
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{running.url}/healthz")).status_code == 200
        await running.stop()
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{running.url}/healthz")


async def test_a_taken_port_is_an_error(desk: Reviewing) -> None:
    """At once, and of the kind the caller can name the port with."""
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await serve(desk.app, "127.0.0.1", taken.getsockname()[1])


async def test_a_server_on_all_addresses_names_one_that_can_be_called(desk: Reviewing) -> None:
    """For the link that is shown."""
    running = await serve(desk.app, "0.0.0.0", 0)  # noqa: S104 - that is the point
    try:
        assert running.url == f"http://127.0.0.1:{running.port}"
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{running.url}/healthz")).status_code == 200
    finally:
        await running.stop()


async def test_signals_are_left_to_the_process(desk: Reviewing) -> None:
    """Whoever wires the parts together decides what ends them, and in which order."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    running = await serve(desk.app, "127.0.0.1", 0)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    await running.stop()


async def test_stopping_ends_long_polls_and_loses_no_query(desk: Reviewing) -> None:
    """They come back empty at once, so that a process is gone in time."""
    running = await serve(desk.app, "127.0.0.1", 0)
    headers = {"Authorization": f"Bearer {desk.secrets['ana']}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as ana:
        polling = asyncio.create_task(ana.post("/v1/claims", json={"wait_seconds": 30}))
        async with asyncio.timeout(20):
            while (await ana.get("/v1/queue")).json()["live_reviewers"] == 0:  # noqa: ASYNC110 - in the store
                await asyncio.sleep(0.01)
        async with asyncio.timeout(20):
            await running.stop()
        assert (await polling).json() == []
    await desk.queue.offer([query(1)])
    async with desk.caller("ben", desk.app_with()) as ben:
        assert len((await ben.post("/v1/claims", json={})).json()) == 1


async def test_a_client_that_hangs_up_while_sending_is_no_error_of_ours(
    desk: Reviewing, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it goes into the stream, and no exception into the log."""
    running = await serve(desk.app, "127.0.0.1", 0)
    try:
        _, sending = await asyncio.open_connection("127.0.0.1", running.port)
        sending.write(
            f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {desk.secrets['shop']}\r\n"
            'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"id": 1}'.encode()
        )
        await sending.drain()
        sending.close()
        await sending.wait_closed()
    finally:
        await running.stop()
    assert await desk.events.read(0, 1, 0.0) == []
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_call_that_stopping_cannot_wait_for_is_told_so(
    desk: Reviewing, caplog: pytest.LogCaptureFixture
) -> None:
    """It is answered, so that the caller may repeat it elsewhere, and no exception goes into the log."""

    class Stuck:
        """A stream that takes events in and never confirms them."""

        async def append(
            self,
            values: Sequence[bytes],  # noqa: ARG002
            traceparent: str | None = None,  # noqa: ARG002
        ) -> Sequence[Source]:
            appending.set()
            await asyncio.Event().wait()
            raise AssertionError

    appending = asyncio.Event()
    running = await serve(desk.app_with(intake=Stuck()), "127.0.0.1", 0)
    headers = {"Authorization": f"Bearer {desk.secrets['shop']}"}
    async with httpx.AsyncClient(base_url=running.url, headers=headers, timeout=30) as shop:
        sending = asyncio.create_task(shop.post("/v1/events", json={"id": "tx-1", "amount": 1.0}))
        await appending.wait()
        await running.stop()
        response = await sending
    assert (response.status_code, response.json()["type"]) == (503, "/problems/stopping")
    assert response.headers["retry-after"] == "1"
    assert not [record for record in caplog.records if record.exc_info]

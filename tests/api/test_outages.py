"""What callers are told while a server behind the desk is down. Real servers, really killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from tests.api.reviewing import Reviewing, claimed, query, reviewing
from tests.servers import running_valkey

LABEL_HEADERS = {"Idempotency-Key": "key-1"}


@pytest.fixture
def log_server() -> Iterator[EmbeddedValkey]:
    """A server of its own for the label log and the events."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def desk_server() -> Iterator[EmbeddedValkey]:
    """A server of its own for the desk."""
    with running_valkey() as server:
        yield server


@pytest.fixture
async def apart(desk_server: EmbeddedValkey, log_server: EmbeddedValkey) -> AsyncIterator[Reviewing]:
    """A desk whose store and log can fail one by one."""
    async with reviewing(desk_server.url, log_server.url, "outages") as running:
        yield running


def _assert_come_back(response: httpx.Response, kind: str) -> None:
    assert response.status_code == 503, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["type"] == f"/problems/{kind}"
    assert ".sock" not in response.text  # no address of ours


async def test_without_its_store_the_desk_asks_to_come_back(
    apart: Reviewing, desk_server: EmbeddedValkey
) -> None:
    """On every call that needs it; afterwards all is as it was."""
    async with apart.caller("ana") as ana:
        await apart.queue.offer([query(1)])
        claim = await claimed(ana)
        path, fence = f"/v1/claims/{claim['query_id']}", {"fence": claim["fence"]}
        desk_server.kill()
        for response in [
            await ana.post("/v1/claims", json={}),
            await ana.post("/v1/claims", json={"wait_seconds": 5}),
            await ana.put(f"{path}/label", json={"label": "fraud", **fence}, headers=LABEL_HEADERS),
            await ana.post(f"{path}/extend", json=fence),
            await ana.post(f"{path}/release", json=fence),
            await ana.post(f"{path}/escalate", json={"reason": "odd", **fence}),
            await ana.get("/v1/queue"),
            await ana.get(f"/v1/queries/{claim['query_id']}"),
        ]:
            _assert_come_back(response, "desk-unreachable")
        desk_server.start()
        answer = await ana.put(f"{path}/label", json={"label": "fraud", **fence}, headers=LABEL_HEADERS)
        assert answer.status_code == 201


async def test_a_label_is_not_acknowledged_before_the_log_has_it(
    apart: Reviewing, log_server: EmbeddedValkey
) -> None:
    """503 while the log is down; repeated with the same key it is recorded, once."""
    async with apart.caller("ana") as ana:
        await apart.queue.offer([query(1)])
        claim = await claimed(ana)
        path = f"/v1/claims/{claim['query_id']}/label"
        body = {"label": "fraud", "fence": claim["fence"]}
        log_server.kill()
        for _ in range(2):
            _assert_come_back(await ana.put(path, json=body, headers=LABEL_HEADERS), "unrecorded")
        log_server.start()
        answers = [await ana.put(path, json=body, headers=LABEL_HEADERS) for _ in range(2)]
        assert [answer.json()["offset"] for answer in answers] == [0, 0]
        assert answers[-1].status_code == 200


async def test_events_are_not_acknowledged_without_the_stream(
    apart: Reviewing, log_server: EmbeddedValkey
) -> None:
    """503; the producer keeps them and comes back."""
    log_server.kill()
    async with apart.caller("shop") as shop:
        _assert_come_back(await shop.post("/v1/events", json={"id": 1}), "stream-unreachable")
        log_server.start()
        assert (await shop.post("/v1/events", json={"id": 1})).status_code == 202


async def test_a_directive_is_not_acknowledged_without_the_label_log(
    apart: Reviewing, log_server: EmbeddedValkey
) -> None:
    """503, to see the model's course and to change it; the same call works afterwards."""
    freeze = {"action": "freeze", "reason": "audit"}
    async with apart.caller("root") as root:
        log_server.kill()
        _assert_come_back(await root.get("/v1/model/directives"), "label-log-unreachable")
        _assert_come_back(await root.post("/v1/model/directives", json=freeze), "label-log-unreachable")
        log_server.start()
        assert (await root.post("/v1/model/directives", json=freeze)).status_code == 201

"""How callers say who they are, and what they are told who can't."""

from __future__ import annotations

import logging

import httpx
import pytest

from streamsel.api.parts import ModelView
from streamsel.api.server import serve
from tests.api.reviewing import Reviewing, claimed, query


async def test_an_address_nobody_thought_of_needs_a_key_too(
    ana: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    """Strangers do not learn what there is; those with a key do."""
    for path in ("/v1/nothing", "/nothing", "/docs", "/redoc", "/openapi.json"):
        assert (await stranger.get(path)).status_code == 401, path
    assert (await ana.get("/openapi.json")).status_code == 200
    for path in ("/v1/nothing", "/docs", "/redoc", "/v1/queue/"):
        response = await ana.get(path)
        assert response.status_code == 404, path
        assert response.json()["type"] == "/problems/not-found"


async def test_health_metrics_and_the_page_are_open(stranger: httpx.AsyncClient) -> None:
    """Not even an unknown key shuts them."""
    stranger.headers["Authorization"] = "Bearer nonsense"
    for path in ("/healthz", "/readyz", "/metrics", "/", "/lead", "/review/page.js", "/styles/base.css"):
        assert (await stranger.get(path)).status_code == 200, path


@pytest.mark.parametrize(
    "authorization", ["Basic YW5hOmFuYQ==", "Bearer", "Bearer ", "", "ssk_naked", "Bearer \xe4\xf6\xfc"]
)
async def test_only_a_bearer_key_is_an_authorization(stranger: httpx.AsyncClient, authorization: str) -> None:
    """Whatever else stands in the header is refused."""
    headers = [(b"Authorization", authorization.encode("latin-1"))]
    response = await stranger.get("/v1/queue", headers=headers)
    assert response.status_code == 401


async def test_the_scheme_of_the_key_may_be_written_in_any_case(
    desk: Reviewing, stranger: httpx.AsyncClient
) -> None:
    """As RFC 9110 §11.1 has it."""
    headers = {"Authorization": f"bearer {desk.secrets['ana']}"}
    assert (await stranger.get("/v1/queue", headers=headers)).status_code == 200


async def test_a_reviewer_is_known_by_the_key_and_by_nothing_in_the_body(
    desk: Reviewing, ana: httpx.AsyncClient
) -> None:
    """A name in the body is refused; the label stands under the key's."""
    await desk.queue.offer([query(1)])
    response = await ana.post("/v1/claims", json={"reviewer": "ben"})
    assert response.status_code == 422
    claim = await claimed(ana)
    response = await ana.put(
        f"/v1/claims/{claim['query_id']}/label",
        json={"label": "fraud", "fence": claim["fence"]},
        headers={"Idempotency-Key": "1"},
    )
    assert response.json()["labelled_by"] == "ana"


async def test_parts_that_a_process_does_not_have_have_no_routes(desk: Reviewing) -> None:
    """A selector alone serves its model, health and metrics."""
    selector = desk.app_with(desk=None, intake=None)
    async with desk.caller("root", selector) as client:
        for path in ("/v1/queue", "/v1/labels", "/v1/session", "/"):
            assert (await client.get(path)).status_code == 404, path
        assert (await client.post("/v1/events", json={"id": 1})).status_code == 404
        assert (await client.get("/v1/model")).status_code == 200
    async with desk.caller("root", desk.app_with(model=None)) as client:
        assert (await client.get("/v1/model")).status_code == 404


async def test_secrets_are_not_logged(desk: Reviewing, caplog: pytest.LogCaptureFixture) -> None:
    """Neither keys, nor tokens, nor cookies, at any level, whether calls succeed or not."""
    caplog.set_level(logging.DEBUG)
    app = desk.app_with(one_time_token="the-one-time-token", model=_broken)
    running = await serve(app, "127.0.0.1", 0)
    try:
        async with httpx.AsyncClient(base_url=running.url) as client:
            headers = {"Authorization": f"Bearer {desk.secrets['ana']}"}
            assert (await client.get("/v1/queue", headers=headers)).status_code == 200
            assert (await client.get("/v1/model", headers=headers)).status_code == 500
            assert (
                await client.get("/v1/queue", headers={"Authorization": "Bearer ssk_wrong"})
            ).status_code == 401
            token = {"token": "the-one-time-token"}
            opened = await client.post("/v1/session", json=token)
            assert opened.status_code == 204
            assert (await client.get("/v1/queue")).status_code == 200
            assert (await client.post("/v1/session", json=token)).status_code == 401
            cookie = opened.cookies["streamsel"]
    finally:
        await running.stop()
    server_log = "\n".join(
        record.getMessage() + str(record.exc_text)
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))
    )
    assert "Exception in ASGI application" in server_log
    for secret in (desk.secrets["ana"], "ssk_wrong", "the-one-time-token", cookie):
        assert secret not in server_log


def _broken() -> ModelView:
    raise RuntimeError("the model is broken")

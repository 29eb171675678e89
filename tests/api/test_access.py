"""Who may call what: every route with no key, a wrong key, and a key of each scope."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import httpx
import pytest

from streamsel.api.keys import new_key
from streamsel.api.parts import ModelView
from streamsel.api.server import serve
from streamsel.review.roles import Role, includes
from tests.api.reviewing import SCOPES, Reviewing, claimed, query

QUERY_ID = query(1).query_id
OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
PRODUCER = {("POST", "/v1/events")}
ADMIN = {("POST", "/v1/model/directives")}
LEAD = {
    ("GET", "/v1/history"),
    ("GET", "/v1/evaluation"),
    ("GET", "/v1/oracles"),
    ("GET", "/v1/reviewers"),
    ("GET", "/v1/disputes"),
    ("GET", "/v1/model/directives"),
    ("POST", "/v1/reviewers/ana/pause"),
    ("POST", "/v1/reviewers/ana/resume"),
    ("POST", f"/v1/queries/{QUERY_ID}/reassign"),
    ("GET", f"/v1/queries/{QUERY_ID}/evidence"),
}


def _operations(desk: Reviewing) -> Iterator[tuple[str, str, Role]]:
    """Every documented operation that is not open: method, path, and the role it needs."""
    for path, operations in desk.app.openapi()["paths"].items():
        for method in operations:
            call = (method.upper(), path.replace("{query_id}", QUERY_ID).replace("{name}", "ana"))
            if call not in OPEN | {("POST", "/v1/session")}:
                yield (*call, _needed(call))


def _needed(call: tuple[str, str]) -> Role:
    if call in PRODUCER:
        return "producer"
    if call in ADMIN:
        return "admin"
    return "lead" if call in LEAD else "reviewer"


async def _call(client: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
    return await client.request(method, path, headers={"Content-Type": "application/json"}, content=b"{")


async def test_every_route_needs_a_key(desk: Reviewing, stranger: httpx.AsyncClient) -> None:
    """401 with the challenge of RFC 6750, before anything of the body is read."""
    operations = list(_operations(desk))
    assert len(operations) == 30
    for method, path, _ in operations:
        response = await _call(stranger, method, path)
        assert response.status_code == 401, path
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="streamsel"'
        assert response.json()["type"] == "/problems/unauthenticated"


async def test_no_route_takes_a_key_it_does_not_know(desk: Reviewing) -> None:
    """Told apart from no key at all, so that a client knows to get another one."""
    for method, path, _ in _operations(desk):
        app = desk.app_with()  # one that has not been tried too often
        async with desk.caller(None, app) as stranger:
            stranger.headers["Authorization"] = f"Bearer {new_key()[0]}"
            response = await _call(stranger, method, path)
        assert response.status_code == 401, path
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("caller", SCOPES)
async def test_a_key_opens_the_routes_of_its_scope_and_no_others(desk: Reviewing, caller: str) -> None:
    """A lead's opens what a reviewer's does; an admin's opens all."""
    desk.app.state.closing.set()  # nothing is waited for, and streams end
    async with desk.caller(caller) as client:
        for method, path, needed in _operations(desk):
            response = await client.request(method, path, json={})
            if includes(SCOPES[caller], needed):
                assert response.status_code not in (401, 403), path
            else:
                assert response.status_code == 403, path
                assert response.json()["type"] == "/problems/forbidden"
                assert f'scope="{needed}"' in response.headers["WWW-Authenticate"]


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

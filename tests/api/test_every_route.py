"""Every route there is, walked with no credentials, with bad ones, and with those of each role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from streamsel.api.callers import Caller
from streamsel.api.keys import new_key
from streamsel.api.routes.page import page_routes
from streamsel.api.sessions import Sessions
from streamsel.config.auth import Oidc
from streamsel.review.roles import Role, includes
from tests.api.reviewing import SCOPES, Reviewing, query

Call = tuple[str, str]

OBSERVED: set[Call] = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
WAYS_IN: set[Call] = {
    ("GET", "/v1/session/login"),
    ("GET", "/v1/session/callback"),
    ("POST", "/v1/session"),
}
"""To a provider and back, and by a link that works once."""
LEAST_ROLE: Mapping[Call, Role | None] = {
    ("GET", "/openapi.json"): None,
    ("GET", "/v1/answers"): "reviewer",
    ("POST", "/v1/claims"): "reviewer",
    ("PUT", "/v1/claims/{query_id}/label"): "reviewer",
    ("POST", "/v1/claims/{query_id}/escalate"): "reviewer",
    ("POST", "/v1/claims/{query_id}/extend"): "reviewer",
    ("POST", "/v1/claims/{query_id}/release"): "reviewer",
    ("POST", "/v1/claims/{query_id}/skip"): "reviewer",
    ("GET", "/v1/labels"): "reviewer",
    ("POST", "/v1/labels"): "reviewer",
    ("GET", "/v1/model"): "reviewer",
    ("GET", "/v1/queries"): "reviewer",
    ("GET", "/v1/queries/{query_id}"): "reviewer",
    ("PUT", "/v1/queries/{query_id}/label"): "reviewer",
    ("DELETE", "/v1/queries/{query_id}/label"): "reviewer",
    ("GET", "/v1/queue"): "reviewer",
    ("GET", "/v1/queue/live"): "reviewer",
    ("GET", "/v1/session"): "reviewer",
    ("DELETE", "/v1/session"): "reviewer",
    ("GET", "/v1/disputes"): "lead",
    ("GET", "/v1/evaluation"): "lead",
    ("GET", "/v1/history"): "lead",
    ("GET", "/v1/model/directives"): "lead",
    ("GET", "/v1/oracles"): "lead",
    ("GET", "/v1/queries/{query_id}/evidence"): "lead",
    ("POST", "/v1/queries/{query_id}/reassign"): "lead",
    ("GET", "/v1/reviewers"): "lead",
    ("POST", "/v1/reviewers/{name}/pause"): "lead",
    ("POST", "/v1/reviewers/{name}/resume"): "lead",
    ("POST", "/v1/events"): "producer",
    ("POST", "/v1/model/directives"): "admin",
}
"""``None``: anyone who has any role."""

QUERY_ID = query(1).query_id
PROVIDER = Oidc(
    issuer="https://login.example",
    client_id="desk",
    redirect_url="https://desk.example/v1/session/callback",
    roles={"reviewers": "reviewer"},
)
PAGES: set[Call] = {("GET", route.path) for route in page_routes()}
_ADDRESSES = count(1)


@pytest.fixture
def app(desk: Reviewing) -> FastAPI:
    """With every part and every way in. Nothing is waited for, and streams end."""
    auth = desk.parts.auth.model_copy(update={"oidc": PROVIDER})
    app = desk.app_with(auth=auth, one_time_token="a token")
    app.state.closing.set()
    return app


def closed_calls() -> Iterator[tuple[str, str, Role | None]]:
    """Method, address and the role it needs, of all that is not open."""
    for (method, path), role in LEAST_ROLE.items():
        yield method, path.replace("{query_id}", QUERY_ID).replace("{name}", "ana"), role


async def call(app: FastAPI, method: str, path: str, headers: Mapping[str, str]) -> httpx.Response:
    """From an address of its own, so that nobody has tried too often there."""
    number = next(_ADDRESSES)
    transport = httpx.ASGITransport(
        app, raise_app_exceptions=False, client=(f"10.0.{number // 250}.{number % 250}", 1)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example") as client:
        return await client.request(method, path, headers=headers, json={})


async def cookie(desk: Reviewing, role: Role, session_seconds: float = 3_600.0) -> dict[str, str]:
    """A session as the page sends it."""
    sessions = Sessions(desk.parts.sessions, session_seconds, 3_600.0, lambda: 0.0)
    opened = await sessions.open(Caller(f"a {role}", role, tier=2))
    return {"Cookie": f"streamsel={opened}", "X-Requested-With": "streamsel", "Sec-Fetch-Site": "same-origin"}


def test_every_route_says_who_may_call_it(app: FastAPI) -> None:
    """A new one is named here before it is served; nothing here is without a route."""
    routes: list[Any] = list(iter_route_contexts(app.routes))
    served = {(method, route.path) for route in routes for method in route.methods if method != "HEAD"}
    assert served == LEAST_ROLE.keys() | OBSERVED | WAYS_IN | PAGES


@pytest.mark.parametrize("credentials", ["none", "an unknown key", "an ended session", "an expired session"])
async def test_nothing_answers_without_good_credentials(
    desk: Reviewing, app: FastAPI, credentials: str
) -> None:
    """401 on every route that is not open, with the challenge of RFC 6750, before the body is read."""
    headers: dict[str, str] = {}
    if credentials == "an unknown key":
        headers = {"Authorization": f"Bearer {new_key()[0]}"}
    elif credentials != "none":
        headers = await cookie(desk, "admin", session_seconds=1.0)
    if credentials == "an ended session":
        headers = await cookie(desk, "admin", session_seconds=1e12)
        assert (await call(app, "DELETE", "/v1/session", headers)).status_code == 204
    for method, path, _ in closed_calls():
        response = await call(app, method, path, headers)
        assert response.status_code == 401, path
        assert response.json()["type"] == "/problems/unauthenticated"
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="streamsel"')
        assert ('error="invalid_token"' in response.headers["WWW-Authenticate"]) == (
            credentials == "an unknown key"
        )


@pytest.mark.parametrize("way", ["key", "session"])
@pytest.mark.parametrize("caller", ["ana", "lea", "shop", "root"])
async def test_each_role_opens_its_routes_and_no_others(
    desk: Reviewing, app: FastAPI, caller: str, way: str
) -> None:
    """By a key or in a session; a lead's opens what a reviewer's does, an admin's all."""
    for method, path, needed in closed_calls():
        headers = {"Authorization": f"Bearer {desk.secrets[caller]}"}
        if way == "session":
            headers = await cookie(desk, SCOPES[caller], session_seconds=1e12)
        response = await call(app, method, path, headers)
        if needed is None or includes(SCOPES[caller], needed):
            assert response.status_code not in (401, 403), path
        else:
            assert response.status_code == 403, path
            assert response.json()["type"] == "/problems/forbidden"
            assert f'scope="{needed}"' in response.headers["WWW-Authenticate"]


async def test_health_metrics_and_pages_answer_strangers(app: FastAPI) -> None:
    """What they serve is for machines that watch, or a file of ours that holds no data."""
    for method, path in OBSERVED | PAGES:
        assert (await call(app, method, path, {})).status_code == 200, path


async def test_the_ways_in_let_nobody_in_who_has_not_proved_who_they_are(app: FastAPI) -> None:
    """No wrong token, and no return from a provider that nobody was sent to."""
    for method, path in WAYS_IN - {("GET", "/v1/session/login")}:
        response = await call(app, method, path, {})
        assert response.status_code in (401, 422), path
        assert "Set-Cookie" not in response.headers

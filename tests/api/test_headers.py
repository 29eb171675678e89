"""Headers on every response, whatever it says."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.reviewing import Reviewing


@pytest.fixture
async def responses(desk: Reviewing) -> AsyncIterator[dict[str, httpx.Response]]:
    """One of every kind, by path and status."""

    def broken() -> None:
        raise RuntimeError

    app = desk.app_with(model=broken)
    async with desk.caller("ana", app) as ana, desk.caller(None, app) as stranger:
        yield {
            f"{response.request.url.path} {response.status_code}": response
            for response in [
                await stranger.get("/"),
                await stranger.get("/review/page.js"),
                await stranger.get("/healthz"),
                await stranger.get("/metrics"),
                await stranger.get("/v1/queue"),
                await ana.get("/v1/queue"),
                await ana.get("/v1/nothing"),
                await ana.get("/v1/model"),
                await ana.put("/v1/queue"),
                await ana.post("/v1/claims", content=b"{", headers={"Content-Type": "application/json"}),
                await ana.post("/v1/claims", content=b" " * 100_000),
                await ana.get("/openapi.json"),
            ]
        }


async def test_every_response_forbids_the_browser_what_the_page_does_not_need(
    responses: dict[str, httpx.Response],
) -> None:
    """Nothing from elsewhere, no frames, no sniffing, no referrer; errors and the page alike."""
    assert {key.split()[1] for key in responses} == {"200", "401", "404", "405", "413", "422", "500"}
    for key, response in responses.items():
        policy = dict(
            directive.split(" ", 1) for directive in response.headers["Content-Security-Policy"].split("; ")
        )
        assert policy["default-src"] == "'none'", key
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'", key
        assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'", key
        assert response.headers["X-Content-Type-Options"] == "nosniff", key
        assert response.headers["Referrer-Policy"] == "no-referrer", key


async def test_nothing_under_v1_is_stored(responses: dict[str, httpx.Response]) -> None:
    """Neither events nor errors; the page is asked for anew each time, so that it fits its server."""
    for key, response in responses.items():
        if key.startswith("/v1/") and not key.endswith("500"):
            assert response.headers["Cache-Control"] == "no-store", key
    assert responses["/ 200"].headers["Cache-Control"] == "no-cache"


async def test_the_server_does_not_name_itself(responses: dict[str, httpx.Response]) -> None:
    """What runs here is nobody's business."""
    assert not any("server" in response.headers for response in responses.values())

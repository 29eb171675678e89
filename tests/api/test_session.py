"""Sessions over HTTP: the one-time link, its cookie, and calls forged from other pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.reviewing import ADDRESS, Reviewing, claimed, query

TOKEN = "a-one-time-token"
FROM_THE_PAGE = {"X-Requested-With": "streamsel", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def browser(desk: Reviewing) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody without a key, at a desk with a one-time link."""
    async with desk.caller(None, desk.app_with(one_time_token=TOKEN)) as client:
        yield client


async def _open(browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.post("/v1/session", json={"token": TOKEN})


async def test_the_link_works_once(browser: httpx.AsyncClient) -> None:
    """Its token becomes a cookie that no script can read; then it is used up."""
    response = await _open(browser)
    assert response.status_code == 204
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("streamsel=")
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert (await browser.get("/v1/session")).json() == {
        "name": "you",
        "role": "lead",
        "tier": 2,
        "queues": None,
    }
    again = await _open(browser)
    assert again.status_code == 401
    assert again.json()["type"] == "/problems/unauthenticated"


async def test_over_tls_the_cookie_is_tied_to_the_host(desk: Reviewing) -> None:
    """With the ``__Host-`` prefix, which browsers accept only with ``Secure`` and without a domain."""
    app = desk.app_with(one_time_token=TOKEN)
    async with desk.caller(None, app, address="https://desk.example") as browser:
        cookie = (await _open(browser)).headers["Set-Cookie"]
        assert cookie.startswith("__Host-streamsel=")
        assert "Secure" in cookie.split("; ")
        assert "Domain" not in cookie
        assert (await browser.get("/v1/session")).status_code == 200


async def test_a_wrong_token_opens_nothing_and_is_not_repeated(browser: httpx.AsyncClient) -> None:
    """In no field of the problem, whatever shape it came in."""
    response = await browser.post("/v1/session", json={"token": "not-the-token"})
    assert response.status_code == 401
    for body in ({"token": ["secret-1"]}, {"token": 31337}, {"tokens": "secret-2"}, "secret-3"):
        response = await browser.post("/v1/session", json=body)
        assert response.status_code == 422
        assert "secret" not in response.text
        assert "31337" not in response.text


async def test_there_is_no_link_unless_asked_for(stranger: httpx.AsyncClient) -> None:
    """A desk without a one-time token takes none."""
    assert (await _open(stranger)).status_code == 401


async def test_the_page_may_write_with_the_cookie(desk: Reviewing, browser: httpx.AsyncClient) -> None:
    """By ``Sec-Fetch-Site``, or by ``Origin`` from a browser that does not send it."""
    await _open(browser)
    await desk.queue.offer([query(1), query(2)])
    for origin in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": ADDRESS}):
        headers = {"X-Requested-With": "streamsel", **origin}
        response = await browser.post("/v1/claims", json={}, headers=headers)
        assert response.status_code == 200
        assert len(response.json()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Requested-With": "streamsel"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": ADDRESS},
        {"X-Requested-With": "XMLHttpRequest", "Sec-Fetch-Site": "same-origin"},
        {"X-Requested-With": "streamsel", "Sec-Fetch-Site": "cross-site"},
        {"X-Requested-With": "streamsel", "Sec-Fetch-Site": "same-site", "Origin": ADDRESS},
        {"X-Requested-With": "streamsel", "Sec-Fetch-Site": "none"},
        {"X-Requested-With": "streamsel", "Origin": "http://evil.example"},
        {"X-Requested-With": "streamsel", "Origin": "https://desk.example"},
        {"X-Requested-With": "streamsel", "Origin": f"{ADDRESS}:8080"},
        {"X-Requested-With": "streamsel", "Origin": "null"},
    ],
)
async def test_no_other_page_may_write_with_the_cookie(
    desk: Reviewing, browser: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    """A forged call is refused and claims nothing; reading is left alone, for it changes nothing."""
    await _open(browser)
    await desk.queue.offer([query(1)])
    response = await browser.post("/v1/claims", json={}, headers=headers)
    assert response.status_code == 403
    assert response.json()["type"] == "/problems/cross-site"
    assert (await browser.get("/v1/queue", headers=headers)).json()["leased"].get("uncertain", 0) == 0


async def test_a_key_counts_more_than_a_cookie(desk: Reviewing, browser: httpx.AsyncClient) -> None:
    """And a wrong key is refused, cookie or not."""
    await _open(browser)
    headers = {"Authorization": f"Bearer {desk.secrets['ben']}"}
    assert (await browser.get("/v1/session", headers=headers)).json()["name"] == "ben"
    assert (await browser.get("/v1/session", headers={"Authorization": "Bearer x"})).status_code == 401


async def test_any_desk_serves_a_session(desk: Reviewing, browser: httpx.AsyncClient) -> None:
    """It lives in the store: another desk knows it, and knows when it is over."""
    await _open(browser)
    async with desk.caller(None, desk.app_with()) as other:
        other.cookies.set("streamsel", browser.cookies["streamsel"])
        assert (await other.get("/v1/session")).json()["name"] == "you"
        assert (await browser.delete("/v1/session", headers=FROM_THE_PAGE)).status_code == 204
        assert (await other.get("/v1/session")).status_code == 401


async def test_signing_in_anew_ends_the_former_session(desk: Reviewing) -> None:
    """The id is a new one each time: a session planted in a browser does not become its user's."""
    async with desk.caller(None, desk.app_with(one_time_token=TOKEN)) as browser:
        await _open(browser)
        former = browser.cookies["streamsel"]
        app = desk.app_with(one_time_token="another")
    async with desk.caller(None, app) as again:
        again.cookies.set("streamsel", former, domain="desk.example")
        assert (await again.post("/v1/session", json={"token": "another"})).status_code == 204
        assert again.cookies["streamsel"] != former
        assert (await again.get("/v1/session")).status_code == 200
        again.cookies.set("streamsel", former, domain="desk.example")
        assert (await again.get("/v1/session")).status_code == 401


async def test_the_store_has_no_session_id(desk: Reviewing, browser: httpx.AsyncClient) -> None:
    """Whoever reads the store can use no session."""
    await _open(browser)
    session = browser.cookies["streamsel"]
    client = desk.queue._client
    keys = [key async for key in client.scan_iter("*:session:*")]
    assert keys
    for key in keys:
        assert session.encode() not in key + (await client.get(key) or b"")


async def test_an_ended_session_is_over(browser: httpx.AsyncClient) -> None:
    """Signing out ends it at the server, not just in the browser."""
    await _open(browser)
    cookie = browser.cookies["streamsel"]
    response = await browser.delete("/v1/session", headers=FROM_THE_PAGE)
    assert response.status_code == 204
    assert "streamsel" not in browser.cookies
    browser.cookies.set("streamsel", cookie)
    assert (await browser.get("/v1/session")).status_code == 401


async def test_a_session_reviews_and_does_no_more(desk: Reviewing, browser: httpx.AsyncClient) -> None:
    """Its labels stand under the name of whoever opened the link; it cannot send events."""
    await _open(browser)
    browser.headers.update(FROM_THE_PAGE)
    await desk.queue.offer([query(1)])
    claim = await claimed(browser)
    answer = await browser.put(
        f"/v1/claims/{claim['query_id']}/label",
        json={"label": "fraud", "fence": claim["fence"]},
        headers={"Idempotency-Key": "1"},
    )
    assert answer.status_code == 201
    assert answer.json()["labelled_by"] == "you"
    assert (await browser.post("/v1/events", json={"id": 1})).status_code == 403

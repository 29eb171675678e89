"""Signing in at an OpenID Connect provider, and every way to forge it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from pydantic import SecretStr

from streamsel.config.auth import Oidc
from tests.api.provider import CLIENT_ID, CLIENT_SECRET, Provider, running_provider
from tests.api.reviewing import ADDRESS, Reviewing

CALLBACK = "https://desk.example/v1/session/callback"
PAGE = {"X-Requested-With": "streamsel", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with running_provider() as provider:
        yield provider


def with_provider(desk: Reviewing, provider: Provider, **changes: object) -> FastAPI:
    """The desk's API with this provider."""
    settings = {
        "issuer": provider.url,
        "client_id": CLIENT_ID,
        "client_secret": SecretStr(CLIENT_SECRET),
        "redirect_url": CALLBACK,
        "roles": {"fraud-reviewers": "reviewer", "fraud-leads": "lead"},
        "tier_claim": "level",
        "queues_claim": "desk.queues",
    }
    oidc = Oidc.model_validate(settings | changes)
    return desk.app_with(auth=desk.parts.auth.model_copy(update={"oidc": oidc}))


@pytest.fixture
async def browser(desk: Reviewing, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody at a desk with a provider, over TLS."""
    app = with_provider(desk, provider)
    async with desk.caller(None, app, address="https://desk.example") as client:
        yield client


async def at_provider(browser: httpx.AsyncClient) -> str:
    """Begins to sign in; returns where the provider sends the browser back to."""
    sent = await browser.get("/v1/session/login")
    assert sent.status_code == 303
    async with httpx.AsyncClient() as elsewhere:
        back = await elsewhere.get(sent.headers["Location"])
    assert back.status_code == 302
    return str(back.headers["Location"])


async def signed_in(browser: httpx.AsyncClient) -> httpx.Response:
    """The desk's answer to whoever comes back."""
    return await browser.get(await at_provider(browser))


async def test_a_person_signs_in_and_out(desk: Reviewing, browser: httpx.AsyncClient) -> None:
    """The name is the provider's, the role follows from the group; the cookie is tied to the host."""
    response = await signed_in(browser)
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    cookie = next(one for one in response.headers.get_list("Set-Cookie") if "sign-in" not in one)
    assert cookie.startswith("__Host-streamsel=")
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert (await browser.get("/v1/session")).json() == {
        "name": "ana@example.com",
        "role": "reviewer",
        "tier": 1,
        "queues": [],
    }
    session = browser.cookies["__Host-streamsel"]
    assert (await browser.delete("/v1/session", headers=PAGE)).status_code == 204
    browser.cookies.set("__Host-streamsel", session)
    assert (await browser.get("/v1/session")).status_code == 401
    noted = [(one.who, one.action) for one in await desk.noted()]
    assert noted[:2] == [("ana@example.com", "signed in"), ("ana@example.com", "signed out")]


async def test_role_tier_and_queues_are_the_providers(provider: Provider, browser: httpx.AsyncClient) -> None:
    """Of several roles the one that may do most; nested claims by dotted path."""
    provider.claims |= {
        "groups": ["fraud-reviewers", "fraud-leads", "canteen"],
        "level": 3,
        "desk": {"queues": ["german", "default"]},
    }
    await signed_in(browser)
    who = (await browser.get("/v1/session")).json()
    assert (who["role"], who["tier"], who["queues"]) == ("lead", 3, ["german", "default"])


async def test_the_page_is_told_where_people_sign_in(
    browser: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    """Only where there is a provider; without one there is no way in but a key."""
    assert (await browser.get("/v1/session")).json()["sign_in"] == "/v1/session/login"
    assert "sign_in" not in (await stranger.get("/v1/session")).json()
    assert (await stranger.get("/v1/session/login")).status_code == 401


async def test_the_browser_is_sent_with_a_challenge_a_state_and_a_nonce(browser: httpx.AsyncClient) -> None:
    """New ones each time, and what is behind them stays here."""
    urls = [(await browser.get("/v1/session/login")).headers["Location"] for _ in range(2)]
    one, other = (parse_qs(urlsplit(url).query) for url in urls)
    for name in ("state", "nonce", "code_challenge"):
        assert len(one[name][0]) >= 43
        assert one[name] != other[name]
    assert one["tenant"] == ["1"]
    assert one["redirect_uri"] == [CALLBACK]
    assert "code_verifier" not in one


def _signed_by_another(provider: Provider, nonce: str) -> str:
    other = RSAKey.generate_key(2048, {"kid": provider.keys[-1].kid or ""}, private=True)
    return provider.id_token(nonce, other)


def _signed_by_the_public_key(provider: Provider, nonce: str) -> str:
    """The classic confusion: an HMAC with what everybody knows."""
    claims = jwt.decode(provider.id_token(nonce), provider.keys[-1]).claims
    secret = OctKey.import_key(provider.keys[-1].as_pem(private=False).replace(b"-----", b""))
    return jwt.encode({"alg": "HS256", "kid": provider.keys[-1].kid}, claims, secret)


@pytest.mark.parametrize(
    "forge",
    [
        Provider.unsigned,
        _signed_by_another,
        _signed_by_the_public_key,
        lambda provider, nonce: provider.id_token(nonce)[:-4] + "AAAA",
        lambda provider, nonce: provider.id_token(nonce).rpartition(".")[0],
        lambda *_: "no token",
        lambda *_: "",
    ],
)
async def test_a_forged_token_opens_nothing(
    provider: Provider, browser: httpx.AsyncClient, forge: Callable[[Provider, str], str]
) -> None:
    """No signature, another's, one anybody could make, a broken one."""
    sent = await browser.get("/v1/session/login")
    url = sent.headers["Location"]
    provider.token = forge(provider, parse_qs(urlsplit(url).query)["nonce"][0])
    async with httpx.AsyncClient() as elsewhere:
        back = (await elsewhere.get(url)).headers["Location"]
    await _opens_nothing(browser, await browser.get(back), 401)


@pytest.mark.parametrize(
    "forged",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": None},
        {"azp": "another-client"},
        {"exp": 1_700_000_000},
        {"exp": "soon"},
        {"exp": None},
        {"nbf": 4_000_000_000},
        {"iat": 4_000_000_000},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
async def test_a_token_for_somebody_or_something_else_opens_nothing(
    provider: Provider, browser: httpx.AsyncClient, forged: dict[str, object]
) -> None:
    """Another issuer, audience, time, nonce or access token, soundly signed."""
    provider.forged = forged
    await _opens_nothing(browser, await signed_in(browser), 401)


@pytest.mark.parametrize(
    "claims",
    [
        {"groups": []},
        {"groups": ["canteen"]},
        {"groups": None},
        {"groups": {"fraud-leads": True}},
        {"email_verified": False},
        {"email": None},
        {"email": ["ana@example.com"]},
        {"email": "ana\u0000@example.com"},
        {"email": "ana@example.com\n"},
        {"email": "\u202eana@example.com"},
        {"email": "ana, ben"},
        {"email": "x" * 65},
        {"email": "ben"},  # an API key's name
    ],
)
async def test_who_is_known_may_still_not_be_let_in(
    provider: Provider, browser: httpx.AsyncClient, claims: dict[str, object]
) -> None:
    """Without a role, without a name fit to record, or under a name that is somebody else's."""
    provider.forged = claims
    response = await signed_in(browser)
    assert response.json()["type"] == "/problems/not-invited"
    await _opens_nothing(browser, response, 403)


async def test_a_sign_in_works_once(browser: httpx.AsyncClient) -> None:
    """Its address, replayed, opens nothing, not even in the same browser."""
    back = await at_provider(browser)
    cookies = dict(browser.cookies)
    assert (await browser.get(back)).status_code == 303
    browser.cookies.clear()
    browser.cookies.update(cookies)
    await _opens_nothing(browser, await browser.get(back), 401)


async def test_a_sign_in_begun_in_another_browser_opens_nothing(
    desk: Reviewing, provider: Provider, browser: httpx.AsyncClient
) -> None:
    """Nobody can be made to work in a session of somebody else's."""
    back = await at_provider(browser)
    app = with_provider(desk, provider)
    async with desk.caller(None, app, address="https://desk.example") as victim:
        await victim.get("/v1/session/login")
        await _opens_nothing(victim, await victim.get(back), 401)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?state=x&code=y",
        "?state=&code=",
        "?code=y",
        "?state=%00&code=%0a",
        "?error=access_denied&state=x",
    ],
)
async def test_a_callback_that_nobody_began_opens_nothing(browser: httpx.AsyncClient, query: str) -> None:
    """Whatever stands in it."""
    await _opens_nothing(browser, await browser.get(f"/v1/session/callback{query}"), 401)


async def test_an_answer_of_another_provider_opens_nothing(browser: httpx.AsyncClient) -> None:
    """RFC 9207: the code is not even sent to ours."""
    back = await at_provider(browser)
    issuer = parse_qs(urlsplit(back).query)["iss"][0]
    response = await browser.get(
        back.replace(issuer.replace(":", "%3A").replace("/", "%2F"), "https%3A%2F%2Fx")
    )
    await _opens_nothing(browser, response, 401)


async def test_a_new_key_of_the_provider_is_found(provider: Provider, browser: httpx.AsyncClient) -> None:
    """The keys are read anew once when one is not known, and otherwise kept."""
    for _ in range(2):
        assert (await signed_in(browser)).status_code == 303
    assert provider.asked.count("/keys") == 1
    provider.rotate()
    for _ in range(2):
        assert (await signed_in(browser)).status_code == 303
    assert provider.asked.count("/keys") == 2
    assert provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": None},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_a_provider_that_is_not_as_it_must_be_is_not_used(
    provider: Provider, browser: httpx.AsyncClient, described: dict[str, object]
) -> None:
    """Another issuer than configured, or addresses without TLS."""
    provider.described = described
    response = await browser.get("/v1/session/login")
    assert response.status_code == 503
    assert response.json()["type"] == "/problems/provider-unreachable"
    assert "elsewhere" not in response.text


async def test_a_provider_that_is_away_is_told(desk: Reviewing, provider: Provider) -> None:
    """503 with Retry-After; keys work on."""
    app = with_provider(desk, provider, issuer="http://127.0.0.1:1")
    async with desk.caller(None, app) as browser, desk.caller("ana", app) as ana:
        response = await browser.get("/v1/session/login")
        assert response.status_code == 503
        assert "Retry-After" in response.headers
        assert "127.0.0.1" not in response.text
        assert (await ana.get("/v1/session")).status_code == 200


async def test_sign_ins_from_one_address_are_limited(browser: httpx.AsyncClient) -> None:
    """So that strangers cannot fill the store."""
    statuses = [(await browser.get("/v1/session/login")).status_code for _ in range(80)]
    assert statuses[:60] == [303] * 60
    assert 429 in statuses[60:]


async def test_a_signed_in_person_is_held_to_the_page(desk: Reviewing, provider: Provider) -> None:
    """As with the link: no other page may write with the cookie."""
    provider.claims["desk"] = {"queues": ["default"]}
    app = with_provider(
        desk, provider, redirect_url=f"{ADDRESS.replace('http', 'https')}/v1/session/callback"
    )
    async with desk.caller(None, app, address="https://desk.example") as browser:
        await signed_in(browser)
        assert (await browser.post("/v1/claims", json={}, headers=PAGE)).status_code == 200
        response = await browser.post("/v1/claims", json={}, headers=PAGE | {"Sec-Fetch-Site": "cross-site"})
        assert response.json()["type"] == "/problems/cross-site"


async def _opens_nothing(browser: httpx.AsyncClient, response: httpx.Response, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert not any("=" in one and "streamsel=" in one for one in response.headers.get_list("Set-Cookie"))
    assert (await browser.get("/v1/session")).status_code == 401

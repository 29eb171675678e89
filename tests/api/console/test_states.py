"""What the pages show when there is nothing to answer, when nobody answers them, and who may come in."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from playwright.async_api import Route, expect

from tests.api.browsing import TOKEN, Browsing, Window, answer_to
from tests.api.reviewing import Reviewing, claimed, query


async def refuse(window: Window, path: str, status: int, kind: str, retry_after: int | None = None) -> None:
    """From now on calls of ``path`` meet this problem."""
    problem = {"type": f"/problems/{kind}", "title": "A problem", "status": status, "detail": "Said why"}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    async def answer(route: Route) -> None:
        await route.fulfill(
            status=status, content_type="application/problem+json", body=json.dumps(problem), headers=headers
        )

    await window.page.route(path, answer)


async def test_an_idle_page_shows_what_comes(desk: Reviewing, browser: Browsing) -> None:
    """Without a touch: it waits by long poll."""
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_panel("empty")
        await desk.queue.offer([query(7)])
        await window.at_event("tx-7")
        assert window.errors == []


async def test_a_break_is_shown_until_it_is_over(desk: Reviewing, browser: Browsing) -> None:
    """With the time left; work goes on by itself."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.page.clock.install()
        await refuse(window, "**/v1/claims", 429, "on-break", 300)
        await window.sign_in(desk.secrets["ana"])
        await window.at_panel("break")
        await expect(window.page.locator("#panel-note")).to_contain_text("left")
        await window.page.unroute("**/v1/claims")
        await window.page.clock.fast_forward(302_000)
        await window.at_event("tx-1")


async def test_a_pause_is_shown_with_its_reason(desk: Reviewing, browser: Browsing) -> None:
    """And whether it is over is asked by itself."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.page.clock.install()
        await desk.queue.pause("ana", "Please see me")
        await window.sign_in(desk.secrets["ana"])
        await window.at_panel("paused")
        await expect(window.page.locator("#panel-text")).to_contain_text("Please see me")
        await desk.queue.resume("ana")
        await window.page.clock.fast_forward(25_000)
        await window.at_event("tx-1")


async def test_a_queue_of_a_higher_tier_is_said_not_to_be_ones_own(
    desk: Reviewing, browser: Browsing
) -> None:
    """And the other queues are a choice away."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.locator("#queue").select_option("escalated")
        await window.at_panel("refused")
        await expect(window.page.locator("#panel-text")).to_contain_text("escalated")
        await window.page.locator("#queue").select_option("")
        await window.at_event("tx-1")


async def test_a_desk_out_of_order_is_said_to_be(desk: Reviewing, browser: Browsing) -> None:
    """With what is wrong; it is tried again."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await refuse(window, "**/v1/claims", 503, "desk-unreachable", 1)
        await window.sign_in(desk.secrets["ana"])
        await window.at_panel("unreachable")
        await window.page.unroute("**/v1/claims")
        await window.at_event("tx-1")


async def test_a_page_without_network_says_so(desk: Reviewing, browser: Browsing) -> None:
    """And goes on once the network is back."""
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_panel("empty")
        await window.page.context.set_offline(True)
        await window.at_panel("offline")
        await window.page.context.set_offline(False)
        await desk.queue.offer([query(1)])
        await window.at_event("tx-1")


@pytest.mark.parametrize(("key", "said"), [("ssk_wrong", "not known"), ("two words", "no spaces")])
async def test_a_wrong_key_is_said_to_be_wrong(browser: Browsing, key: str, said: str) -> None:
    """Beside the field, and it can be tried again."""
    async with browser.window() as window:
        await window.page.locator("#key").fill(key)
        await window.press("Enter")
        await expect(window.page.locator("#key-error")).to_contain_text(said)
        await expect(window.page.locator("#key")).to_be_visible()


async def test_a_key_that_may_not_review_is_said_so(desk: Reviewing, browser: Browsing) -> None:
    """A producer's, for instance."""
    async with browser.window() as window:
        await window.page.locator("#key").fill(desk.secrets["shop"])
        await window.press("Enter")
        await expect(window.page.locator("#key-error")).to_contain_text("reviewer")


async def test_an_ended_session_asks_to_sign_in_again(desk: Reviewing, browser: Browsing) -> None:
    """Nothing of the event stays in sight."""
    await desk.queue.offer([query(1)])
    async with browser.window(f"/#token={TOKEN}") as window:
        await window.at_event("tx-1")
        await window.page.context.clear_cookies()
        await window.press("1")
        await window.notice("Your session has ended")
        await expect(window.page.locator("#key")).to_be_focused()
        await expect(window.page.locator("#review")).to_be_hidden()
        await window.page.locator("#key").fill(desk.secrets["ana"])
        await window.press("Enter")
        await expect(window.page.locator("#who")).to_have_text("ana")


async def test_an_answer_outlives_the_session_it_was_given_in(desk: Reviewing, browser: Browsing) -> None:
    """It is sent once the same person is back."""
    await desk.queue.offer([query(1), query(2)])
    over = asyncio.Event()

    async def end(route: Route) -> None:
        await (route.fulfill(status=401, json={}) if over.is_set() else route.continue_())

    async with browser.window() as window:
        for path in ("**/v1/claims/**", "**/v1/session"):
            await window.page.route(path, end)
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        over.set()
        await window.press("2")
        await expect(window.page.locator("#kept")).to_contain_text("1 answer is kept")
        over.clear()
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-2")
        answer = await answer_to(desk, 1)
        assert (answer.label, answer.labelled_by) == ("fraud", "ana")


async def test_signing_out_gives_the_events_back_and_forgets_the_key(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """The one on show and the one claimed ahead; a reload does not bring the page back."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.locator("#sign-out").click()
        await expect(window.page.locator("#sign-in")).to_be_visible()
        await window.page.reload()
        await expect(window.page.locator("#sign-in")).to_be_visible()
        got = [(await claimed(ben, wait_seconds=5))["query_id"] for _ in range(2)]
        assert sorted(map(str, got)) == [query(1).query_id, query(2).query_id]


async def test_a_closed_page_gives_its_events_back(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """Nobody has to wait for the leases to end."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.goto("about:blank")
        got = [(await claimed(ben, wait_seconds=5))["query_id"] for _ in range(2)]
        assert sorted(map(str, got)) == [query(1).query_id, query(2).query_id]


async def test_the_reader_chooses_light_or_dark(browser: Browsing) -> None:
    """Against the system's setting, and it is remembered."""
    async with browser.window(looks={"color_scheme": "light"}) as window:
        body = window.page.locator("body")
        light = await body.evaluate("body => getComputedStyle(body).backgroundColor")
        await window.page.locator("#theme").select_option("dark")
        await window.page.reload()
        dark = await body.evaluate("body => getComputedStyle(body).backgroundColor")
        assert light != dark
        assert await window.page.locator("#theme").input_value() == "dark"


async def test_a_sensitive_event_is_covered_until_asked_for(desk: Reviewing, browser: Browsing) -> None:
    """By Enter, and no key answers before."""
    await desk.queue.offer([query(1, context={"diagnosis": "influenza"})])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await expect(window.page.locator("#reveal")).to_be_focused()
        await expect(window.page.locator("#content-of-event")).to_have_attribute("inert", "")
        await window.press("1", "Enter")
        await window.at_event("tx-1")
        await expect(window.page.locator("#covered")).to_be_hidden()
        await expect(window.page.locator("#content-of-event")).not_to_have_attribute("inert", "")


async def test_the_time_to_answer_in_counts_down(desk: Reviewing, browser: Browsing) -> None:
    """As the event's queue gives it, until it is over; and how many wait there is told."""
    await desk.queue.offer([query(number, features={"country": "BR"}) for number in (1, 2, 3)])
    async with browser.window() as window:
        await window.page.clock.install()
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await expect(window.page.locator("#in-queue")).to_have_text("brazil")
        await expect(window.page.locator("#due")).to_contain_text("Due in 9 min")
        await expect(window.page.locator("#queue option[value=brazil]")).to_have_text("brazil (1)")
        await window.page.clock.fast_forward(60_000)
        await expect(window.page.locator("#due")).to_contain_text("Due in 8 min")
        await window.page.clock.fast_forward(600_000)
        await expect(window.page.locator("#due")).to_contain_text("Overdue by")

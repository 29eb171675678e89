"""Nothing that a reviewer decided is lost or counted twice."""

from __future__ import annotations

import httpx
from playwright.async_api import Route, expect

from tests.api.browsing import Browsing, answer_to
from tests.api.reviewing import Reviewing, claimed, query


async def test_an_answer_given_offline_is_sent_once_later(desk: Reviewing, browser: Browsing) -> None:
    """The page says that it is kept, and goes on with what is in hand."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.context.set_offline(True)
        await window.press("2")
        await expect(window.page.locator("#outbox")).to_contain_text("You are offline. 1 answer is kept")
        await window.at_event("tx-2")
        await window.press("1")
        await window.at_panel("offline")
        await expect(window.page.locator("#panel-text")).to_contain_text("2 answers are kept here")
        async with window.page.expect_response(f"**/{query(2).query_id}/label"):
            await window.page.context.set_offline(False)
        await window.at_panel("empty")
        await expect(window.page.locator("#outbox")).to_be_empty()
        answers = [await answer_to(desk, 1), await answer_to(desk, 2)]
        assert [(answer.label, answer.offset) for answer in answers] == [("fraud", 0), ("legitimate", 1)]


async def test_an_answer_whose_confirmation_was_lost_is_recorded_once(
    desk: Reviewing, browser: Browsing
) -> None:
    """The repetition has the same key, so that the log gets one label."""
    await desk.queue.offer([query(1), query(2)])
    keys: list[str | None] = []

    async def lose_the_first(route: Route) -> None:
        keys.append(await route.request.header_value("Idempotency-Key"))
        if len(keys) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    async with browser.window() as window:
        await window.page.route("**/label", lose_the_first)
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        async with window.page.expect_response("**/label") as repeated:
            await window.press("2")
        assert (await repeated.value).status == 200
        assert len(keys) == 2
        assert keys[0] == keys[1]
        await window.at_event("tx-2")
        assert await window.text("#labelled") == "1"
        async with window.page.expect_response("**/label"):
            await window.press("1")
        second = await answer_to(desk, 2)
        assert second.offset == 1  # right behind the first one's only record


async def test_an_answer_outlives_its_page(desk: Reviewing, browser: Browsing) -> None:
    """Given offline, the page closed, opened again: it is sent then. Nothing of the event was stored."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.page.route("**/label", lambda route: route.abort())
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.press("2")
        await expect(window.page.locator("#outbox")).to_contain_text("1 answer is kept")
        stored = await window.page.evaluate("JSON.stringify(localStorage)")
        assert "912.5" not in stored
        assert "second try" not in stored
        await window.page.goto("about:blank")
        await window.page.unroute("**/label")
        async with window.page.expect_response("**/label"):
            await window.page.goto(browser.url)
        answer = await answer_to(desk, 1)
        assert answer.label == "fraud"


async def test_a_label_that_came_too_late_is_said_not_to_count(
    desk: Reviewing, browser: Browsing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """And the work goes on with the next event."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await expect(window.page.locator("#backlog")).to_have_text("2")
        held = (await ana.get(f"/v1/queries/{query(1).query_id}")).json()
        await ana.post(f"/v1/claims/{held['query_id']}/release", json={"fence": held["fence"]})
        await claimed(ben)
        await window.press("2")
        await window.notice("tx-1 is not counted")
        await window.notice("claimed again")
        await window.at_event("tx-2")
        assert await window.text("#labelled") == "0"


async def test_a_refused_answer_brings_its_event_back(desk: Reviewing, browser: Browsing) -> None:
    """As when the labels were changed meanwhile: with what the server said."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.page.route("**/v1/labels", _with_a_label_that_is_none)
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.press("3")
        await window.notice("tx-1 is back")
        await window.at_event("tx-1")
        assert await window.text("#labelled") == "0"


async def _with_a_label_that_is_none(route: Route) -> None:
    response = await route.fetch()
    choices = await response.json()
    choices["labels"].append({"name": "former", "guideline": "", "examples": []})
    await route.fulfill(response=response, json=choices)


async def test_the_leases_are_kept_while_the_page_is_in_use(desk: Reviewing, browser: Browsing) -> None:
    """Both: extended after half of them; not any more once nobody has touched the page for long."""
    await desk.queue.offer([query(1), query(2)])
    extended = list[str]()
    async with browser.window() as window:
        window.page.on(
            "request", lambda request: extended.append(request.url) if "extend" in request.url else None
        )
        await window.page.clock.install()
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.clock.fast_forward(16_000)
        await expect(window.page.locator("#lease-text")).to_contain_text("0:30")
        renewed = {url.split("/")[-2] for url in extended if url.endswith("/extend")}
        assert renewed == {query(1).query_id, query(2).query_id}
        await window.page.route("**/v1/claims", lambda route: route.abort())
        await window.page.clock.fast_forward(400_000)
        await expect(window.page.locator("#lease-text")).to_contain_text("No longer held for you")
        await expect(window.page.locator("#event-id")).to_have_text("tx-1")


async def test_an_answer_after_the_lease_still_counts(desk: Reviewing, browser: Browsing) -> None:
    """As long as nobody else took the event."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.page.clock.install()
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.route("**/extend", lambda route: route.abort())
        await window.page.route("**/v1/claims", lambda route: route.abort())
        await window.page.clock.fast_forward(400_000)
        await expect(window.page.locator("#lease-text")).to_contain_text("No longer held for you")
        async with window.page.expect_response("**/label"):
            await window.press("2")
        answer = await answer_to(desk, 1)
        assert answer.label == "fraud"

"""The lead's page."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import expect

from streamsel.ports.history import Sample
from tests.api.browsing import Browsing, Looks, Window
from tests.api.console.test_accessibility import LOOKS, without_violations
from tests.api.reviewing import Reviewing, query


async def sign_in(window: Window, desk: Reviewing, name: str) -> None:
    """With a key, to the lead's page."""
    await window.page.locator("#key").fill(desk.secrets[name])
    await window.press("Enter")


async def test_a_lead_sees_how_the_desk_does(desk: Reviewing, browser: Browsing) -> None:
    """The figures as they are, by lane, and as soon as they change."""
    await desk.queue.offer([query(1), query(2), query(3, lane="explore")])
    async with browser.window("/lead") as window:
        await sign_in(window, desk, "lea")
        lanes = window.page.locator("#lanes .number")
        await expect(lanes).to_have_text(["2", "1", "0"])
        await expect(window.page.locator("#figures")).to_contain_text("target 20")
        await desk.queue.offer([query(4, lane="rule")])
        await expect(lanes).to_have_text(["2", "1", "1"])
        assert window.errors == []


async def test_the_backlog_is_drawn_against_its_target(desk: Reviewing, browser: Browsing) -> None:
    """Over the last hours, and said in words as well."""
    now = time.time() // 10 * 10
    for minutes, backlog in ((30, 12), (20, 44), (10, 25), (0, 8)):
        await desk.parts.history._history.note(Sample(now - 60 * minutes, backlog, 30.0, 2, 0.1))
    async with browser.window("/lead") as window:
        await sign_in(window, desk, "lea")
        await expect(window.page.locator("#backlog-text")).to_have_text(
            "Above its target for 50 % of the time shown, 44 events at most."
        )
        await expect(window.page.get_by_role("img", name="Backlog over time")).to_be_visible()
        await expect(window.page.locator("#backlog-chart .target-name")).to_have_text("target 20")


async def test_reviewers_are_told_that_it_is_for_leads(desk: Reviewing, browser: Browsing) -> None:
    """And the reviewers' page does not lead there."""
    async with browser.window("/lead") as window:
        await sign_in(window, desk, "ana")
        await expect(window.page.get_by_role("heading", name="This page is for leads")).to_be_visible()
        await window.page.get_by_role("link", name="To the events").click()
        await window.at_panel("empty")
        await expect(window.page.locator("#pages")).to_be_hidden()


async def test_leads_go_from_page_to_page(desk: Reviewing, browser: Browsing) -> None:
    """Signed in on both."""
    async with browser.window() as window:
        await window.sign_in(desk.secrets["lea"])
        await window.page.get_by_role("link", name="Lead").click()
        await expect(window.page.get_by_role("heading", name="The desk")).to_be_visible()
        await window.page.get_by_role("link", name="Review", exact=True).click()
        await window.at_panel("empty")


@pytest.mark.parametrize("looks", LOOKS)
async def test_the_leads_page_has_no_violations(desk: Reviewing, browser: Browsing, looks: Looks) -> None:
    """Signing in, and with something in every part; nothing is wider than the screen."""
    await desk.queue.offer([query(1), query(2, lane="rule")])
    now = time.time() // 10 * 10
    for minutes in reversed(range(30)):
        await desk.parts.history._history.note(Sample(now - 60 * minutes, 10 + minutes, 30.0, 2, 0.1))
    async with desk.caller("ben") as ben, browser.window("/lead", looks=looks) as window:
        await ben.post("/v1/claims", json={})
        await expect(window.page.locator("#sign-in")).to_be_visible()
        await without_violations(window.page, "signing in")
        await sign_in(window, desk, "lea")
        await expect(window.page.locator("#backlog-chart path").first).to_be_visible()
        await expect(window.page.locator("#lanes li").first).to_be_visible()
        await without_violations(window.page, "the desk")
        assert (
            await window.page.evaluate("document.documentElement.scrollWidth") <= looks["viewport"]["width"]
        )

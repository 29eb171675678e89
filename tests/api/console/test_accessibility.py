"""WCAG 2.2 AA, as far as axe can tell: every page and state, light and dark, on a screen and on a phone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.api.browsing import Browsing, Looks
from tests.api.console.test_states import refuse
from tests.api.reviewing import Reviewing, query

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [
    pytest.param(
        {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}, id=f"{scheme}-{width}"
    )
    for scheme in ("light", "dark")
    for width in (360, 1280)
]
RICH = query(
    1,
    features={"amount": 912.5, "currency": "EUR", "shop.name": "Discos", "shop.age": 3, "raw": '{"a": 1}'},
    context={"note": "Please call me back. " * 20},
)


async def without_violations(page: Page, state: str) -> None:
    """Says which rule is broken where."""
    found = await Axe().run(page, options={"runOnly": TAGS})
    broken = {
        violation["id"]: [node["target"] for node in violation["nodes"]]
        for violation in found.response["violations"]
    }
    assert broken == {}, state


@pytest.mark.parametrize("looks", LOOKS)
async def test_the_reviewers_page_has_no_violations(desk: Reviewing, browser: Browsing, looks: Looks) -> None:
    """Signed out, with nothing to do, with an event, its dialogs and notices, found words."""
    async with browser.window(looks=looks) as window:
        page = window.page
        await expect(page.locator("#sign-in")).to_be_visible()
        await without_violations(page, "signing in")
        await page.locator("#key").fill("two words")
        await window.press("Enter")
        await without_violations(page, "a wrong key")
        await window.sign_in(desk.secrets["ana"])
        await window.at_panel("empty")
        await without_violations(page, "nothing to review")
        await desk.queue.offer([RICH, query(2)])
        await window.at_event("tx-1")
        await page.get_by_text("What the labels mean").click()
        await page.locator(".nested summary").click()
        await without_violations(page, "an event")
        for key, dialog in (("?", "help"), ("s", "skip"), ("e", "escalate")):
            await window.press(key)
            await expect(page.locator(f"#{dialog}-dialog")).to_be_visible()
            if dialog == "escalate":
                await window.press("Enter")
            await without_violations(page, f"the {dialog} dialog")
            await window.press("Escape")
        await page.evaluate("document.getElementById('search').value = 'call'")
        await page.locator("#search").dispatch_event("input")
        await without_violations(page, "found words")
        await page.context.set_offline(True)
        await window.press("1")
        await window.at_event("tx-2")
        await expect(page.locator("#outbox")).to_contain_text("kept")
        await without_violations(page, "offline with an event")
        await window.press("1")
        await window.at_panel("offline")
        await without_violations(page, "offline")
        await page.context.set_offline(False)
        await desk.queue.offer([query(3, lane="explore")])
        await window.at_event("tx-3")
        await without_violations(page, "a check drawn at random")


@pytest.mark.parametrize("looks", LOOKS)
@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [(429, "on-break", "break"), (403, "paused", "paused"), (503, "desk-unreachable", "unreachable")],
)
async def test_what_is_shown_without_work_has_no_violations(
    desk: Reviewing, browser: Browsing, looks: Looks, status: int, kind: str, why: str
) -> None:
    """A break, a pause, a desk out of order."""
    async with browser.window(looks=looks) as window:
        await refuse(window, "**/v1/claims", status, kind, 600)
        await window.sign_in(desk.secrets["ana"])
        await window.at_panel(why)
        await without_violations(window.page, why)


@pytest.mark.parametrize("looks", LOOKS)
async def test_a_covered_event_and_an_ended_session_have_no_violations(
    desk: Reviewing, browser: Browsing, looks: Looks
) -> None:
    """Sensitive content before it is asked for; the form that asks to sign in again."""
    await desk.queue.offer([replace(RICH, context={"diagnosis": "influenza"})])
    async with browser.window(looks=looks) as window:
        await window.sign_in(desk.secrets["ana"])
        await expect(window.page.locator("#reveal")).to_be_focused()
        await without_violations(window.page, "covered")
        for path in ("**/v1/claims/**", "**/v1/session"):
            await refuse(window, path, 401, "unauthenticated")
        await window.press("Enter")
        await window.at_event("tx-1")
        await window.press("2")
        await window.notice("Your session has ended")
        await without_violations(window.page, "signed out")

"""How good the model is, on the lead's page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.api.browsing import Browsing, Looks
from tests.api.console.test_accessibility import LOOKS, without_violations
from tests.api.console.test_lead import cells, sign_in
from tests.api.evaluated_desk import evaluated
from tests.api.reviewing import Reviewing


async def test_a_lead_sees_how_good_the_model_is(desk: Reviewing, browser: Browsing) -> None:
    """Each measure with its interval, each label and segment; what events contain is text, never markup."""
    async with evaluated(desk), browser.window("/lead") as window:
        await sign_in(window, desk, "lea")
        await window.page.locator("#quality-window").select_option("start")
        await expect(window.page.locator("#quality-measures tbody tr").first).to_contain_text("Accuracy")
        measures = {
            name: (value, interval) for name, value, interval in await cells(window, "quality-measures")
        }
        assert float(measures["Accuracy"][0].rstrip("%")) > 90.0
        low, high = (float(bound.rstrip("%")) for bound in measures["Accuracy"][1].split(" – "))
        assert low < float(measures["Accuracy"][0].rstrip("%")) < high
        parts = [row[0] for row in await cells(window, "quality-parts")]
        assert parts == ["Label legitimate", "Label fraud", "country=<b>BR</b>", "country=PT"]
        text = await window.text("#quality-text")
        assert "15,000 events, of which 300 were asked about." in text
        assert "would say an accuracy of 95%" in text
        assert [row[1:3] for row in await cells(window, "quality-rounds")] == [["120", "40 min"]] * 2
        drifts = await window.text("#quality-drifts")
        assert "What is predicted has changed: country=<b>BR</b>" in drifts
        assert window.errors == []


async def test_before_anything_is_known_the_page_says_why(desk: Reviewing, browser: Browsing) -> None:
    """In place of empty tables."""
    async with browser.window("/lead") as window:
        await sign_in(window, desk, "lea")
        await expect(window.page.locator("#quality-text")).to_contain_text("Nothing is known yet")
        await expect(window.page.locator("#quality-measures")).to_be_hidden()


@pytest.mark.parametrize("looks", LOOKS)
async def test_it_has_no_violations(desk: Reviewing, browser: Browsing, looks: Looks) -> None:
    """Light and dark, on a screen and on a phone; nothing is wider than the screen."""
    async with evaluated(desk), browser.window("/lead", looks=looks) as window:
        await sign_in(window, desk, "lea")
        await window.page.locator("#quality-window").select_option("start")
        await expect(window.page.locator("#quality-parts tbody tr")).to_have_count(4)
        await without_violations(window.page, "the model's quality")
        width = await window.page.evaluate("document.documentElement.scrollWidth")
        assert width <= looks["viewport"]["width"]

"""Other oracles on the lead's page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.api.browsing import Browsing, Looks
from tests.api.console.test_accessibility import LOOKS, without_violations
from tests.api.console.test_lead import cells, sign_in
from tests.api.reviewing import Reviewing
from tests.api.test_oracles import filled


@pytest.mark.parametrize("looks", LOOKS)
async def test_a_lead_sees_how_other_oracles_fare(desk: Reviewing, browser: Browsing, looks: Looks) -> None:
    """What each has said of what it may, and how often people agree; light and dark, large and small."""
    assert desk.parts.oracles is not None
    filled(desk.parts.oracles)
    async with browser.window("/lead", looks=looks) as window:
        await sign_in(window, desk, "lea")
        await expect(window.page.locator("#oracles tbody tr")).to_have_count(1)
        ((name, answers, share, agreement, state),) = await cells(window, "oracles")
        assert (name, answers, state) == ("large", "4", "answers")
        assert share.replace(" %", "%") == "25% of 30%"
        assert agreement.replace(" %", "%").startswith("67% (")
        await without_violations(window.page, "other oracles")
        assert window.errors == []

"""A whole shift at the page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.api.browsing import Browsing, answer_to
from tests.api.reviewing import Reviewing, query

EVENTS = 500
READ_MILLISECONDS = 250
"""So long an event is on show before a key answers it."""

_NEXT_SHOWN = """async last => {
  const place = document.getElementById("event-id");
  const there = () => !document.getElementById("review").hidden && place.textContent !== last;
  while (!there()) {
    await new Promise(done => {
      const watch = new MutationObserver(() => there() && (watch.disconnect(), done()));
      watch.observe(document.body, { attributes: true, childList: true, subtree: true });
    });
  }
  return place.textContent;
}"""


@pytest.mark.slow
async def test_a_shift_of_five_hundred_events_needs_no_mouse(desk: Reviewing, browser: Browsing) -> None:
    """Every event is shown once and its label recorded once, each by one key; from signing in to the last."""
    await desk.queue.offer([query(number) for number in range(EVENTS)])
    async with browser.window() as window:
        await window.page.clock.install()
        await expect(window.page.locator("#key")).to_be_focused()
        await window.page.keyboard.type(desk.secrets["ana"])
        await window.press("Enter")
        await expect(window.page.locator("#review")).to_be_visible()
        answered: dict[str, str] = {}
        for number in range(EVENTS):
            shown = str(await window.page.evaluate(_NEXT_SHOWN, next(reversed(answered), None)))
            await window.page.clock.fast_forward(READ_MILLISECONDS)
            assert shown not in answered
            answered[shown] = ("1", "2")[number % 2]
            await window.press(answered[shown])
        await window.at_panel("empty")
        await expect(window.page.locator("#outbox")).to_be_empty(timeout=60_000)
        assert await window.text("#labelled") == str(EVENTS)
        assert set(answered) == {f"tx-{number}" for number in range(EVENTS)}
        offsets = set()
        for number in range(EVENTS):
            answer = await answer_to(desk, number)
            assert answer.label == {"1": "legitimate", "2": "fraud"}[answered[f"tx-{number}"]]
            offsets.add(answer.offset)
        assert offsets == set(range(EVENTS))
        assert window.errors == []

"""Answering one event after another by the keyboard."""

from __future__ import annotations

import time

import httpx
from playwright.async_api import Route, expect

from tests.api.browsing import READY, TOKEN, Browsing, answer_to
from tests.api.reviewing import Reviewing, claimed, query


async def test_an_event_is_labelled_by_pressing_a_key(desk: Reviewing, browser: Browsing) -> None:
    """From the key's sign-in to the label log; then the next event is shown, and what was answered."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        assert await window.text("#who") == "ana"
        await window.press("2")
        await window.at_event("tx-2")
        await expect(window.page.locator(".done")).to_have_text("1 answered, last fraud for tx-1")
        await expect(window.page.locator("#backlog")).to_have_text("1")
        assert await window.text("#target") == "20"
        answer = await answer_to(desk, 1)
        assert (answer.label, answer.labelled_by, answer.offset) == ("fraud", "ana", 0)
        assert window.errors == []


async def test_the_next_event_is_there_before_the_answer_is_recorded(
    desk: Reviewing, browser: Browsing, ana: httpx.AsyncClient
) -> None:
    """It was claimed ahead, and is painted by the same press of the key; the answer is sent meanwhile."""
    await desk.queue.offer([query(1), query(2)])
    held: list[Route] = []
    async with browser.window() as window:
        await window.page.route("**/label", lambda route: held.append(route))
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await expect(window.page.locator("#backlog")).to_have_text("2")
        states = [
            (await ana.get(f"/v1/queries/{query(number).query_id}")).json()["state"] for number in (1, 2)
        ]
        assert states == ["leased", "leased"]
        async with window.page.expect_request("**/label"):
            await window.press("1")
        await window.at_event("tx-2")
        assert (await desk.queue.view(query(1).query_id)).answer is None
        async with window.page.expect_response("**/label"):
            await held[0].continue_()
        answer = await answer_to(desk, 1)
        assert answer.label == "legitimate"


async def test_the_link_signs_in_once(desk: Reviewing, browser: Browsing) -> None:
    """Its token leaves the address at once; a reload keeps the session; a second visitor is told."""
    await desk.queue.offer([query(1)])
    async with browser.window(f"/#token={TOKEN}") as window:
        await window.at_event("tx-1")
        assert window.page.url == f"{browser.url}/"
        await window.page.reload()
        await window.at_event("tx-1")
        async with window.page.expect_response("**/label"):
            await window.page.locator(READY).first.click()
        await window.at_panel("empty")
        answer = await answer_to(desk, 1)
        assert (answer.label, answer.labelled_by) == ("legitimate", "you")
    async with browser.window(f"/#token={TOKEN}") as other:
        await other.notice("used before")
        await expect(other.page.locator("#sign-in")).to_be_visible()


async def test_enter_gives_the_answer_one_is_at(desk: Reviewing, browser: Browsing) -> None:
    """The arrows go from button to button; Space is as good as Enter."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.locator(READY).first.focus()
        await window.press("ArrowDown", "Enter")
        await window.at_event("tx-2")
        async with window.page.expect_response("**/label"):
            await window.press("ArrowUp", "Space")
        await window.at_panel("empty")
        labels = [(await answer_to(desk, number)).label for number in (1, 2)]
        assert labels == ["fraud", "legitimate"]


async def test_a_key_can_be_changed_and_is_remembered(desk: Reviewing, browser: Browsing) -> None:
    """Also after a reload; the action that had the key gets the other's."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.press("?")
        await window.page.get_by_role("button", name="Answer “fraud”: 2. Change").click()
        await window.press("s")
        await expect(window.page.locator(".label[data-label=fraud] kbd")).to_have_text("S")
        await expect(window.page.locator("#skip kbd")).to_have_text("2")
        await window.page.reload()
        await window.at_event("tx-1")
        async with window.page.expect_response("**/label"):
            await window.press("s")
        await window.at_panel("empty")
        answer = await answer_to(desk, 1)
        assert answer.label == "fraud"


async def test_a_key_of_the_last_event_does_not_answer_the_next(desk: Reviewing, browser: Browsing) -> None:
    """A second press at once is taken for one that was meant before; nor does a key held down."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.page.clock.install()
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.clock.pause_at(time.time() + 5)
        await window.press("2", "2", "2")
        await expect(window.page.locator("#event-id")).to_have_text("tx-2")
        assert (await desk.queue.view(query(2).query_id)).answer is None


async def test_an_event_is_escalated_with_a_reason(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """Not without one; digits typed into it answer nothing."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.press("e", "Enter")
        await expect(window.page.locator("#escalate-error")).to_contain_text("why")
        await window.page.keyboard.type("2 cards, 1 name")
        async with window.page.expect_response("**/escalate"):
            await window.press("Enter")
        await window.at_panel("empty")
        view = (await ben.get(f"/v1/queries/{query(1).query_id}")).json()
        assert (view["queue"], view["reason"], view["answer"]) == ("escalated", "2 cards, 1 name", None)


async def test_what_was_typed_is_kept_until_it_is_sent(desk: Reviewing, browser: Browsing) -> None:
    """A dialog that was left goes on where it was."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.press("e")
        await window.page.keyboard.type("two cards")
        await window.press("Escape", "e")
        await expect(window.page.locator("#escalate-reason")).to_have_value("two cards")


async def test_two_browsers_never_see_one_event(desk: Reviewing, browser: Browsing) -> None:
    """However fast both are: of thirty events, each was shown to one of them."""
    numbers = range(1, 31)
    await desk.queue.offer([query(number) for number in numbers])
    seen: list[str] = []
    async with browser.window() as one, browser.window() as other:
        await one.sign_in(desk.secrets["ana"])
        await other.sign_in(desk.secrets["ben"])
        for window in (one, other):
            await window.page.evaluate(_NOTE_EVENTS)
        while len(seen) < len(numbers):
            for window in (one, other):
                if await window.page.locator("#review").is_visible():
                    await expect(window.page.locator(READY).first).to_be_visible()
                    await window.press("1")
            seen = [event for window in (one, other) for event in await window.page.evaluate("seen")]
        assert sorted(seen) == sorted(f"tx-{number}" for number in numbers)
        assert one.errors + other.errors == []


async def test_a_skipped_event_is_not_shown_to_its_reviewer_again(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """Two keys: skip, and why. Others may claim it."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        async with window.page.expect_response("**/skip"):
            await window.press("s", "2")
        await window.at_panel("empty")
        assert (await claimed(ben))["query_id"] == query(1).query_id


async def test_an_answer_is_undone_by_a_key(
    desk: Reviewing, browser: Browsing, ana: httpx.AsyncClient
) -> None:
    """Its event is on show again, and the new answer is the one that counts."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.press("2")
        await window.at_event("tx-2")
        await window.press("z")
        await window.at_event("tx-1")
        await window.notice("“fraud” for tx-1 is taken back")
        assert await window.text("#labelled") == "0"
        async with window.page.expect_response("**/label"):
            await window.press("1")
        await window.at_event("tx-2")
        answer = (await ana.get(f"/v1/queries/{query(1).query_id}")).json()["answer"]
        assert (answer["label"], answer["labelled_by"]) == ("legitimate", "ana")


async def test_a_key_right_after_a_dialog_is_not_lost(desk: Reviewing, browser: Browsing) -> None:
    """Until the next frame it goes to what had the focus in the dialog."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.press("2")
        await window.at_event("tx-2")
        await window.press("a")
        await expect(window.page.locator("#answers-list li")).to_have_count(1)
        await window.press("Escape")
        await expect(window.page.locator("#answers-dialog")).to_be_hidden()
        button = window.page.locator("#answers-list button")
        await button.dispatch_event("keydown", {"key": "z", "bubbles": True, "cancelable": True})
        await window.at_event("tx-1")


async def test_any_of_the_last_ten_can_be_taken_back(desk: Reviewing, browser: Browsing) -> None:
    """From the list of them."""
    await desk.queue.offer([query(1), query(2), query(3)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        for number, key in ((1, "2"), (2, "1")):
            await window.at_event(f"tx-{number}")
            await window.press(key)
        await window.at_event("tx-3")
        await window.press("a")
        lines = window.page.locator("#answers-list li")
        await expect(lines.locator("b")).to_have_text(["legitimate", "fraud"])
        await window.page.get_by_role("button", name="Take back fraud for tx-1").click()
        await window.at_event("tx-1")


_NOTE_EVENTS = """() => {
  window.seen = [];
  const place = document.getElementById("event-id");
  const note = () => place.textContent && seen.at(-1) !== place.textContent && seen.push(place.textContent);
  new MutationObserver(note).observe(place, { childList: true, characterData: true, subtree: true });
  note();
}"""

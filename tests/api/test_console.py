"""The page, in a real browser, on a real desk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import expect

from tests.api.browsing import READY, TOKEN, Browsing, Looks, browsing
from tests.api.reviewing import Reviewing, claimed, query

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='x'\"><script>document.title='x'</script>"


@pytest.fixture
async def browser(desk: Reviewing) -> AsyncIterator[Browsing]:
    """At the desk of this test."""
    async with browsing(desk) as ready:
        yield ready


async def test_an_event_is_labelled_by_pressing_a_key(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """From the key's sign-in to the label log; then the next event is shown, and what was answered."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        assert await window.text("#who") == "ana"
        assert "912.5" in await window.text("#features")
        assert "second try" in await window.text("#context")
        await window.page.keyboard.press("2")
        await window.at_event("tx-2")
        assert await window.text(".count") == "1 labelled, last fraud for tx-1"
        answer = (await ben.get(f"/v1/queries/{query(1).query_id}")).json()["answer"]
        assert (answer["label"], answer["labelled_by"], answer["offset"]) == ("fraud", "ana", 0)
        await expect(window.page.locator("#backlog")).to_have_text("1")
        assert await window.text("#target") == "20"
        assert window.errors == []


async def test_the_link_signs_in_once(desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient) -> None:
    """Its token leaves the address at once; a reload keeps the session; a second visitor is told."""
    await desk.queue.offer([query(1)])
    async with browser.window(f"/#token={TOKEN}") as window:
        await window.at_event("tx-1")
        assert window.page.url == f"{browser.url}/"
        await window.page.reload()
        await window.at_event("tx-1")
        await window.page.locator(READY).first.click()
        await expect(window.page.locator("#empty")).to_be_visible()
        answer = (await ben.get(f"/v1/queries/{query(1).query_id}")).json()["answer"]
        assert (answer["label"], answer["labelled_by"]) == ("legitimate", "you")
    async with browser.window(f"/#token={TOKEN}") as other:
        await expect(other.page.locator("#notice")).to_contain_text("used before")
        await expect(other.page.locator("#sign-in")).to_be_visible()


async def test_what_events_contain_stays_text(desk: Reviewing, browser: Browsing) -> None:
    """Names, values, prose, ids and reasons full of markup run nothing and make no element."""
    hostile = query(1, features={HOSTILE: HOSTILE, f"{HOSTILE}.amount": 1.0}, context={"note": HOSTILE * 3})
    await desk.queue.offer([hostile])
    async with desk.caller("ben") as ben:
        claim = await claimed(ben)
        body = {"fence": claim["fence"], "reason": HOSTILE}
        await ben.post(f"/v1/claims/{claim['query_id']}/escalate", json=body)
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.page.locator("#queue").select_option("escalated")
        await window.at_event("tx-1")
        await expect(window.page.locator("#reason")).to_have_text(HOSTILE)
        names = await window.page.locator("#features th").all_text_contents()
        assert sorted(names) == [HOSTILE, f"{HOSTILE}.amount"]
        await expect(window.page.locator("#features td").get_by_text(HOSTILE)).to_have_text(HOSTILE)
        assert await window.page.locator("#texts blockquote").text_content() == HOSTILE * 3
        assert await window.page.locator("main img, main script").count() == 0
        assert await window.page.title() == "Review · streamsel"
        assert window.errors == []


async def test_the_browser_makes_no_markup_of_strings(browser: Browsing) -> None:
    """Even a mistake in the page's own script could not: the policy forbids it."""
    async with browser.window() as window:
        with pytest.raises(Exception, match="TrustedHTML"):
            await window.page.evaluate("document.body.innerHTML = '<b>'")


async def test_an_idle_page_shows_what_comes(desk: Reviewing, browser: Browsing) -> None:
    """Without a touch: it waits by long poll."""
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await expect(window.page.locator("#empty")).to_contain_text("Nothing to review")
        await desk.queue.offer([query(7)])
        await window.at_event("tx-7")
        assert window.errors == []


async def test_the_models_opinion_is_shown_except_in_the_explore_lane(
    desk: Reviewing, browser: Browsing
) -> None:
    """A check drawn at random must not be swayed by it."""
    await desk.queue.offer([query(1, lane="explore"), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        assert not await window.page.locator("#opinion-part").is_visible()
        await window.page.keyboard.press("1")
        await window.at_event("tx-2")
        assert (await window.text("#opinion")).split() == ["legitimate", "54%", "fraud", "46%"]


async def test_numbers_are_written_to_be_read_and_keep_their_exact_value(
    desk: Reviewing, browser: Browsing
) -> None:
    """Grouped and rounded, with the exact value in the title; ids as they are; integers of any size."""
    features = {
        "amount": 1234567.891,
        "big": 12345678901234567890,
        "customer_id": 1234567,
        "rate": 0.000123456,
        "count": 12,
        "online": False,
        "missing": None,
    }
    await desk.queue.offer([query(1, features=dict(sorted(features.items())))])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        rows = {
            await row.locator("th").inner_text(): row.locator("td")
            for row in await window.page.locator("#features tr").all()
        }
        shown = {name: await cell.inner_text() for name, cell in rows.items()}
        assert shown == {
            "amount": "1,234,567.89",
            "big": "12,345,678,901,234,567,890",
            "customer_id": "1234567",
            "rate": "0.0001235",
            "count": "12",
            "online": "no",
            "missing": "–",
        }
        assert await rows["amount"].get_attribute("title") == "1234567.891"
        assert await rows["big"].get_attribute("title") == "12345678901234567890"


async def test_a_label_that_came_too_late_is_said_not_to_count(
    desk: Reviewing, browser: Browsing, ana: httpx.AsyncClient, ben: httpx.AsyncClient
) -> None:
    """And the work goes on with the next event."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        held = (await ana.get(f"/v1/queries/{query(1).query_id}")).json()
        await ana.post(f"/v1/claims/{held['query_id']}/release", json={"fence": held["fence"]})
        await claimed(ben)
        await window.page.keyboard.press("2")
        await expect(window.page.locator("#notice")).to_contain_text("Not counted")
        await expect(window.page.locator("#notice")).to_contain_text("claimed again")
        await expect(window.page.locator("#empty")).to_be_visible()
        assert await window.text("#labelled") == "0"


async def test_a_skipped_event_comes_back_when_nothing_else_waits(desk: Reviewing, browser: Browsing) -> None:
    """However useful it is, the others come first."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.keyboard.press("s")
        await window.at_event("tx-2")
        await window.page.keyboard.press("1")
        await window.at_event("tx-1")
        await expect(window.page.locator("#notice")).to_contain_text("skipped one is back")


async def test_an_event_is_escalated_with_a_reason(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """Not without one; digits typed into it answer nothing."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.keyboard.press("e")
        await window.page.get_by_role("button", name="Escalate").last.click()
        await expect(window.page.locator("#escalate-error")).to_contain_text("why")
        await window.page.locator("#escalate-reason").press_sequentially("2 cards, 1 name")
        await window.page.get_by_role("button", name="Escalate").last.click()
        await expect(window.page.locator("#empty")).to_be_visible()
        view = (await ben.get(f"/v1/queries/{query(1).query_id}")).json()
        assert (view["queue"], view["reason"], view["answer"]) == ("escalated", "2 cards, 1 name", None)
        await window.page.locator("#queue").select_option("escalated")
        await window.at_event("tx-1")
        await expect(window.page.locator("#reason")).to_have_text("2 cards, 1 name")


async def test_an_answer_given_offline_is_sent_later(desk: Reviewing, browser: Browsing) -> None:
    """The page says that it is offline and that the answer is kept."""
    await desk.queue.offer([query(1), query(2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.context.set_offline(True)
        await window.page.keyboard.press("2")
        await expect(window.page.locator("#notice")).to_contain_text("You are offline. Your answer is kept.")
        await window.page.context.set_offline(False)
        await window.at_event("tx-2")
        assert await window.text("#labelled") == "1"
        assert not await window.page.locator("#notice").is_visible()


async def test_an_ended_session_asks_to_sign_in_again(desk: Reviewing, browser: Browsing) -> None:
    """With the reason; a key takes over."""
    await desk.queue.offer([query(1)])
    async with browser.window(f"/#token={TOKEN}") as window:
        await window.at_event("tx-1")
        await window.page.context.clear_cookies()
        await window.page.keyboard.press("1")
        await expect(window.page.locator("#notice")).to_contain_text("Your session has ended")
        await expect(window.page.locator("#key")).to_be_focused()
        await window.sign_in(desk.secrets["ana"])
        assert await window.text("#who") == "ana"


@pytest.mark.parametrize(("key", "said"), [("ssk_wrong", "not known"), ("two words", "no spaces")])
async def test_a_wrong_key_is_said_to_be_wrong(browser: Browsing, key: str, said: str) -> None:
    """Beside the field, and it can be tried again."""
    async with browser.window() as window:
        await window.page.locator("#key").fill(key)
        await window.page.keyboard.press("Enter")
        await expect(window.page.locator("#key-error")).to_contain_text(said)
        await expect(window.page.locator("#key")).to_be_visible()


async def test_a_key_that_may_not_review_is_said_so(desk: Reviewing, browser: Browsing) -> None:
    """A producer's, for instance."""
    async with browser.window() as window:
        await window.page.locator("#key").fill(desk.secrets["shop"])
        await window.page.keyboard.press("Enter")
        await expect(window.page.locator("#key-error")).to_contain_text("reviewer")


async def test_signing_out_gives_the_event_back_and_forgets_the_key(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """A reload does not bring either back."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.locator("#sign-out").click()
        await expect(window.page.locator("#sign-in")).to_be_visible()
        await window.page.reload()
        await expect(window.page.locator("#sign-in")).to_be_visible()
        assert (await claimed(ben))["query_id"] == query(1).query_id


async def test_a_closed_page_gives_its_event_back(
    desk: Reviewing, browser: Browsing, ben: httpx.AsyncClient
) -> None:
    """Nobody has to wait for the lease to end."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.goto("about:blank")
        assert (await claimed(ben, wait_seconds=5))["query_id"] == query(1).query_id


async def test_the_lease_is_kept_while_the_page_is_in_use(desk: Reviewing, browser: Browsing) -> None:
    """Extended after half of it; not any more once nobody has touched the page for long."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.page.clock.install()
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        async with window.page.expect_response("**/extend") as extension:
            await window.page.clock.fast_forward(16_000)
        assert (await extension.value).status == 200
        await expect(window.page.locator("#lease-text")).to_contain_text("0:30")
        await window.page.clock.fast_forward(400_000)
        await expect(window.page.locator("#lease-text")).to_contain_text("No longer held for you")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_the_page_fits_its_window(
    desk: Reviewing, browser: Browsing, color_scheme: str, width: int
) -> None:
    """Nothing is wider than the screen, however long a name or value; the answers are in sight."""
    features = {
        "a_very_long_name" * 5: "x" * 70,
        "text": "word " * 300,
        "url": "https://example.org/" + "p" * 300,
    }
    await desk.queue.offer([query(1, features=features)])
    looks: Looks = {"color_scheme": color_scheme, "viewport": {"width": width, "height": 740}}  # type: ignore[typeddict-item]
    async with browser.window(looks=looks) as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        assert await window.page.evaluate("document.documentElement.scrollWidth") <= width
        await expect(window.page.locator(READY).last).to_be_in_viewport()
        await expect(window.page.locator("#escalate")).to_be_in_viewport()

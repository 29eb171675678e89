"""How an event is shown, whatever is in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Page, expect

from streamsel.records import Value
from tests.api.browsing import TOKEN, Browsing, Looks
from tests.api.reviewing import Reviewing, claimed, query

HOSTILE = "<img src=x onerror=\"document.title='x'\"><script>document.title='x'</script>"


async def rows(page: Page) -> dict[str, Any]:
    """The fields' values by name."""
    lines = await page.locator("#features .fields > div:not(.group)").all()
    return {await line.locator("dt").inner_text(): line.locator("data") for line in lines}


async def test_what_events_contain_stays_text(desk: Reviewing, browser: Browsing) -> None:
    """Names, values, prose, ids and reasons full of markup run nothing and make no element."""
    hostile = query(
        1,
        features={HOSTILE: HOSTILE, "a.b": HOSTILE, "a.c": HOSTILE, "json": f'["{HOSTILE[:20]}"]'},
        context={"note": HOSTILE * 3},
    )
    await desk.queue.offer([hostile])
    async with desk.caller("ben") as ben:
        claim = await claimed(ben)
        body = {"fence": claim["fence"], "reason": HOSTILE}
        await ben.post(f"/v1/claims/{claim['query_id']}/escalate", json=body)
    async with browser.window(f"/#token={TOKEN}") as window:
        await window.page.locator("#queue").select_option("escalated")
        await window.at_event("tx-1")
        await expect(window.page.locator("#reason")).to_have_text(HOSTILE)
        names = await window.page.locator("#features dt").all_text_contents()
        assert HOSTILE in names
        assert await window.page.locator("#features data").get_by_text(HOSTILE).count() == 3
        assert await window.page.locator("#texts blockquote").text_content() == HOSTILE * 3
        await window.page.locator("#search").fill("<img")
        await expect(window.page.locator("#search-count")).to_contain_text("matches")
        assert await window.page.locator("#review img, #review script").count() == 0
        assert await window.page.title() == "Review · streamsel"
        assert window.errors == []


async def test_the_browser_makes_no_markup_of_strings(browser: Browsing) -> None:
    """Even a mistake in the page's own script could not: the policy forbids it."""
    async with browser.window() as window:
        with pytest.raises(Exception, match="TrustedHTML"):
            await window.page.evaluate("document.body.innerHTML = '<b>'")


async def test_numbers_are_written_to_be_read_and_keep_their_exact_value(
    desk: Reviewing, browser: Browsing
) -> None:
    """Grouped and rounded, with the exact value in the title; ids as they are; integers of any size."""
    features: dict[str, Value] = {
        "amount": 1234567.891,
        "big": 12345678901234567890,
        "customer_id": 1234567,
        "rate": 0.000123456,
        "count": 12,
        "online": False,
        "missing": None,
        "created_at": 1_763_712_345,
        "seen": "2025-11-21T08:05:45Z",
    }
    await desk.queue.offer([query(1, features=dict(sorted(features.items())))])
    async with browser.window(looks={"timezone_id": "UTC"}) as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        values = await rows(window.page)
        shown = {name: await value.inner_text() for name, value in values.items()}
        assert shown == {
            "amount": "1,234,567.89",
            "big": "12,345,678,901,234,567,890",
            "count": "12",
            "created_at": "21 Nov 2025, 08:05:45",
            "customer_id": "1234567",
            "missing": "–",
            "online": "no",
            "rate": "0.0001235",
            "seen": "21 Nov 2025, 08:05:45",
        }
        assert await values["amount"].get_attribute("title") == "1234567.891"
        assert await values["big"].get_attribute("title") == "12345678901234567890"
        assert await values["created_at"].get_attribute("value") == "1763712345"


async def test_an_amount_has_the_currency_beside_it(desk: Reviewing, browser: Browsing) -> None:
    """The one of its own group before the event's."""
    features: dict[str, Value] = {
        "amount": 912.5,
        "currency": "EUR",
        "refund.amount": 3.0,
        "refund.currency": "GBP",
    }
    await desk.queue.offer([query(1, features=features)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        shown = await window.page.locator("#features data").all_inner_texts()
        assert shown == ["€912.50", "EUR", "£3.00", "GBP"]


async def test_nested_fields_are_folded_as_the_reader_left_them(desk: Reviewing, browser: Browsing) -> None:
    """Groups by dotted name, JSON in a text; a group that was folded stays so for the next event."""
    features: dict[str, Value] = {
        "shop.name": "Discos",
        "shop.age": 3,
        "country": "PT",
        "raw": '{"a": [1, 2]}',
    }
    await desk.queue.offer([query(number, features=features) for number in (1, 2)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        group = window.page.get_by_role("button", name="shop 2 fields")
        await expect(window.page.get_by_text("Discos")).to_be_visible()
        await expect(window.page.locator(".nested pre")).to_be_hidden()
        await window.page.get_by_text("1 field", exact=True).click()
        await expect(window.page.locator(".nested pre")).to_contain_text('"a": [')
        await group.click()
        await expect(group).to_have_attribute("aria-expanded", "false")
        await window.press("1")
        await window.at_event("tx-2")
        await expect(window.page.get_by_text("Discos")).to_be_hidden()


async def test_words_are_found_in_every_field(desk: Reviewing, browser: Browsing) -> None:
    """By a key; also in the next event, until the field is emptied; folded matches are opened."""
    first = query(1, features={"note": "Refund, please. " * 8, "a.b": "no refund", "a.c": 1})
    await desk.queue.offer([first, query(2, features={"reason": "REFUND"})])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        await window.page.get_by_role("button", name="a 2 fields").click()
        await window.press("/")
        await window.page.keyboard.type("refund")
        await expect(window.page.locator("#search-count")).to_have_text("9 matches")
        await expect(window.page.locator("#features mark")).to_be_visible()
        await window.press("Enter", "1")
        await window.at_event("tx-2")
        await expect(window.page.locator("mark")).to_have_text("REFUND")
        await window.press("/", "Escape")
        await expect(window.page.locator("mark")).to_have_count(0)


async def test_why_an_event_is_shown_is_told(desk: Reviewing, browser: Browsing) -> None:
    """Lane, rules, what its label is worth, how likely it was sent, and what the model thinks."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        assert await window.text("#why-title") == "The model is unsure"
        assert await window.page.locator("#why-rules li").all_inner_texts() == ["large amounts"]
        assert (await window.text("#why-numbers")).split("\n") == [
            *("Worth of its label", "99%"),
            *("Chance of being sent", "25%"),
        ]
        assert (await window.text("#opinion")).split() == ["legitimate", "54%", "fraud", "46%"]


async def test_nothing_that_might_sway_is_told_in_the_explore_lane(
    desk: Reviewing, browser: Browsing
) -> None:
    """A check drawn at random; the server does not even send it."""
    await desk.queue.offer([query(1, lane="explore")])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        assert await window.text("#why-title") == "A check drawn at random"
        for hidden in ("#opinion-part", "#why-rules", "#why-numbers"):
            await expect(window.page.locator(hidden)).to_be_hidden()
        await expect(window.page.locator(".push")).to_have_count(0)


async def test_fields_are_in_the_order_in_which_they_moved_the_score(
    desk: Reviewing, browser: Browsing
) -> None:
    """The one that moved it most first, also of a group; how far and to which side is said of each."""
    features: dict[str, Value] = {
        "amount": 912.5,
        "country": "PT",
        "shop.age": 3,
        "shop.name": "Discos",
        "a": 1,
    }
    moved = {"country": -0.4, "shop.age": 0.9, "amount": 1.31}
    await desk.queue.offer([replace(query(1, features=features), contributions=moved)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        names = await window.page.locator("#features dt").all_inner_texts()
        assert [name.split()[0] for name in names] == ["amount", "shop", "age", "name", "country", "a"]
        said = await window.page.locator("#features .push").all_text_contents()
        assert said == [f"moved the score by {far}" for far in ("+1.3", "+0.90", "−0.40")]


async def test_labels_are_explained_beside_their_buttons(desk: Reviewing, browser: Browsing) -> None:
    """What they mean, an example, and the way to the version of the guideline in force."""
    await desk.queue.offer([query(1)])
    async with browser.window() as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        button = window.page.locator(".label[data-label=fraud]")
        await expect(button).to_contain_text("The cardholder did not make it.")
        await expect(button).to_contain_text("Three countries in an hour")
        await window.page.get_by_text("What the labels mean").click()
        link = window.page.get_by_role("link", name="The whole guideline")
        await expect(link).to_have_attribute("href", "https://guideline.example/fraud")
        assert await window.text("#guideline-version") == "version 2026-11"


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_the_page_fits_its_window(
    desk: Reviewing, browser: Browsing, color_scheme: str, width: int
) -> None:
    """Nothing is wider than the screen, however long a name or value; the answers are in sight."""
    features: dict[str, Value] = {
        "a_very_long_name" * 5: "x" * 70,
        "text": "word " * 300,
        "url": "https://example.org/" + "p" * 300,
        "deep.er.and.deep.er": 1,
        "deep.er.and.so.on": "y" * 60,
    }
    await desk.queue.offer([query(1, features=features)])
    looks: Looks = {"color_scheme": color_scheme, "viewport": {"width": width, "height": 740}}  # type: ignore[typeddict-item]
    async with browser.window(looks=looks) as window:
        await window.sign_in(desk.secrets["ana"])
        await window.at_event("tx-1")
        assert await window.page.evaluate("document.documentElement.scrollWidth") <= width
        await expect(window.page.locator(".label").last).to_be_in_viewport()
        await expect(window.page.locator("#escalate")).to_be_in_viewport()

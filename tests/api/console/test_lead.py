"""The lead's page."""

from __future__ import annotations

import time

import httpx
import pytest
from playwright.async_api import Browser, expect

from streamsel.ports.history import Sample
from tests.api.acting import act, answer
from tests.api.browsing import Browsing, Looks, Window, served
from tests.api.console.test_accessibility import LOOKS, without_violations
from tests.api.reviewing import Reviewing, claimed, query


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


async def fill(desk: Reviewing) -> None:
    """A dispute, something in hand, somebody paused, and hours of history."""
    now = time.time() // 10 * 10
    for minutes in reversed(range(30)):
        await desk.parts.history._history.note(Sample(now - 60 * minutes, 10 + minutes, 30.0, 2, 0.1))
    await desk.queue.offer([query(1)])
    async with desk.caller("ana") as ana, desk.caller("ben") as ben, desk.caller("lea") as lea:
        for caller, label in ((ana, "fraud"), (ben, "legitimate")):
            assert (await answer(caller, await claimed(caller), label)).status_code == 201
        await act(lea, await claimed(lea, wait_seconds=20), "release")
        await desk.queue.offer([query(2, lane="rule"), query(3, features={"country": "BR"}), query(4)])
        assert (await claimed(ana))["query_id"] == query(2).query_id
        await lea.post("/v1/reviewers/ben/pause", json={"reason": "Please see me"})
    await desk.tallied(2)


async def cells(window: Window, table: str) -> list[list[str]]:
    """What a table says, row by row."""
    rows = await window.page.locator(f"#{table} tbody tr").all()
    return [[" ".join(text.split()) for text in await row.locator("td").all_inner_texts()] for row in rows]


async def test_a_lead_sees_who_is_at_it_and_what_is_open(
    overlapping_desk: Reviewing, started_chromium: Browser
) -> None:
    """Every table as the API has it: reviewers, queues by the answers they lack, what is in hand, and what
    is disputed."""
    desk = overlapping_desk
    await fill(desk)
    async with served(desk, started_chromium) as browser, browser.window("/lead") as window:
        await sign_in(window, desk, "lea")
        await expect(window.page.locator("#disputes > li")).to_have_count(1)
        await expect(window.page.locator("#queues tbody tr")).to_have_count(3)
        await expect(window.page.locator("#held tbody tr")).to_have_count(1)
        ana, ben, lea = await cells(window, "reviewers")
        assert [ana[0], ana[1], ana[2], ana[3], ana[7]] == ["ana at work", "1", "1", "1", "Pause"]
        assert [ben[0], ben[1], ben[5], ben[7]] == ["ben paused: Please see me", "0", "0%", "Resume"]
        assert [lea[0], lea[4]] == ["lea at work", "–"]
        assert await cells(window, "held") == [["tx-2", "ana", "Take back"]]
        assert [row[:2] for row in await cells(window, "queues")] == [
            ["brazil", "2"],
            ["default", "3"],
            ["escalated", "1"],
        ]
        said = " ".join((await window.text("#disputes")).split())
        assert said.startswith("tx-1 2 answers · waits in escalated · sent")
        assert said.endswith("fraud ana legitimate ben")
        assert (await window.text("#rules")).split("\n")[0] == "large amounts"
        assert window.errors == []


async def test_a_lead_pauses_resumes_and_takes_back(
    desk: Reviewing, browser: Browsing, ana: httpx.AsyncClient
) -> None:
    """Not without a reason; what was taken back waits again."""
    await desk.queue.offer([query(1)])
    await claimed(ana)
    async with browser.window("/lead") as window:
        await sign_in(window, desk, "lea")
        await window.page.get_by_role("button", name="Pause ana").click()
        await window.press("Tab")
        await window.page.locator("#pause-form .primary").click()
        await expect(window.page.locator("#pause-error")).to_contain_text("why")
        await window.page.locator("#pause-reason").fill("Please see me")
        await window.page.locator("#pause-form .primary").click()
        await window.notice("ana is paused.")
        await expect(window.page.locator("#reviewers")).to_contain_text("paused: Please see me")
        (activity,) = await desk.queue.reviewers()
        assert activity.paused == "Please see me"
        await window.page.get_by_role("button", name="Resume ana").click()
        await expect(window.page.get_by_role("button", name="Pause ana")).to_be_visible()
        await window.page.get_by_role("button", name="Take tx-1 back").click()
        await window.notice("tx-1 is back in its queue.")
        await expect(window.page.locator("#held-none")).to_have_text("Nothing is in anybody's hands.")
        assert (await desk.queue.view(query(1).query_id)).state == "waiting"


@pytest.mark.parametrize("looks", LOOKS)
async def test_the_leads_page_has_no_violations(
    overlapping_desk: Reviewing, started_chromium: Browser, looks: Looks
) -> None:
    """Signing in, and with something in every part; nothing is wider than the screen."""
    desk = overlapping_desk
    await fill(desk)
    async with served(desk, started_chromium) as browser, browser.window("/lead", looks=looks) as window:
        await expect(window.page.locator("#sign-in")).to_be_visible()
        await without_violations(window.page, "signing in")
        await sign_in(window, desk, "lea")
        await expect(window.page.locator("#backlog-chart path").first).to_be_visible()
        for part in (
            "#lanes li",
            "#reviewers tbody tr",
            "#queues tbody tr",
            "#held tbody tr",
            "#disputes > li",
        ):
            await expect(window.page.locator(part).first).to_be_visible()
        await without_violations(window.page, "the desk")
        assert (
            await window.page.evaluate("document.documentElement.scrollWidth") <= looks["viewport"]["width"]
        )

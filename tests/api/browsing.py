"""A real browser at a real desk."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypedDict

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright, expect

from streamsel.api.server import serve
from streamsel.ports import Answer
from tests.api.reviewing import Reviewing, query
from tests.servers import missing

TOKEN = "a-one-time-token"
READY = ".label[aria-disabled=false]"
"""A button that takes an answer."""

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Looks(TypedDict, total=False):
    """How a reader's browser is set."""

    color_scheme: Literal["light", "dark"]
    viewport: Mapping[str, int]
    timezone_id: str


@dataclass
class Window:
    """A page of its own, with the errors its scripts and its policy have met."""

    page: Page
    errors: list[str]

    async def sign_in(self, key: str) -> None:
        """With an API key, and waits for the work to be shown."""
        await self.page.locator("#key").fill(key)
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator("#bar-work")).to_be_visible()

    async def at_event(self, event_id: str) -> None:
        """Returns once this event is shown and takes an answer."""
        await expect(self.page.locator("#event-id")).to_have_text(event_id)
        await expect(self.page.locator(READY).first).to_be_visible()

    async def text(self, selector: str) -> str:
        return await self.page.locator(selector).inner_text()

    async def press(self, *keys: str) -> None:
        """One after another."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def at_panel(self, why: str) -> None:
        """Returns once there is no event to show, and why is said."""
        await expect(self.page.locator(f"#panel[data-why={why}]")).to_be_visible()

    async def notice(self, text: str) -> None:
        """Returns once this is said above the page."""
        await expect(self.page.locator("#notice")).to_contain_text(text)


@dataclass
class Browsing:
    """A browser, and the address of a desk that takes the one-time token."""

    browser: Browser
    url: str

    @asynccontextmanager
    async def window(self, path: str = "/", looks: Looks | None = None) -> AsyncIterator[Window]:
        """A new session of the browser. Nothing of a former one is left in it."""
        session = await self.browser.new_context(locale="en-GB", **looks or {})  # type: ignore[arg-type]
        page, errors = await session.new_page(), list[str]()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: _keep(message, errors))
        try:
            await page.goto(self.url + path)
            yield Window(page, errors)
        finally:
            await page.unroute_all(behavior="ignoreErrors")
            await session.close()


async def answer_to(desk: Reviewing, number: int) -> Answer:
    """The answer to the query of this number; it must have one."""
    answer = (await desk.queue.view(query(number).query_id)).answer
    assert answer is not None
    return answer


def _keep(message: ConsoleMessage, errors: list[str]) -> None:
    # The browser itself reports every refused or failed call; those are part of what is tested.
    if message.type == "error" and "Failed to load resource" not in message.text:
        errors.append(message.text)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    executable = shutil.which("chromium")
    if executable is None:
        missing("chromium is not installed (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def served(desk: Reviewing, browser: Browser) -> AsyncIterator[Browsing]:
    """A server for the desk's API, seen through the browser."""
    running = await serve(desk.app_with(one_time_token=TOKEN), "127.0.0.1", 0)
    try:
        yield Browsing(browser, running.url)
    finally:
        await running.stop()

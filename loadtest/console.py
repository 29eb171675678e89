"""From the key that answers an event to the next event painted, in Chromium at a real desk."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from playwright.async_api import Page, async_playwright, expect

from loadtest.events import transaction
from streamsel import wiring
from streamsel.config import Config
from streamsel.records import Query
from streamsel.wiring.service import running

EVENTS_AHEAD = 2
"""The page ends with events in hand, so that each answer measured has a next event."""

_LABELS = ("legit", "fraud")

_PROBE = """() => {
  window.painted = [];
  window.keys = 0;
  const place = document.getElementById("event-id");
  let pressed = null;
  document.addEventListener("keydown", event => {
    window.keys += 1;
    if (/^[12]$/.test(event.key)) pressed = event.timeStamp;
  }, { capture: true });
  const after = new MessageChannel();
  after.port1.onmessage = ({ data }) => window.painted.push(performance.now() - data);
  new MutationObserver(() => {
    if (pressed === null) return;
    const since = pressed;
    pressed = null;
    // A message sent while the frame is made arrives once it is painted.
    requestAnimationFrame(() => after.port2.postMessage(since));
  }).observe(place, { childList: true, characterData: true, subtree: true });
}"""


def console(events: int) -> dict[str, Any]:
    """Answers ``events`` by keys alone, as fast as the page takes them."""
    return asyncio.run(_console(events))


async def _console(events: int) -> dict[str, Any]:
    executable = shutil.which("chromium")
    if executable is None:
        raise RuntimeError("chromium is not installed (Debian: apt-get install chromium)")
    token = secrets.token_urlsafe(16)
    with tempfile.TemporaryDirectory(prefix="loadtest-") as directory:
        config = Config.model_validate(
            {
                "labels": {"names": list(_LABELS)},
                "redis": {"data_dir": Path(directory)},
                "desk": {"port": 0},
            }
        )
        async with (
            running(config, frozenset({"desk"}), token) as service,
            wiring.opened_review_queue(config) as queue,
            async_playwright() as playwright,
        ):
            await queue.offer([_query(number) for number in range(events + EVENTS_AHEAD)])
            browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            page = await browser.new_page()
            await page.goto(f"{service.url}/#token={token}")
            painted, keys = await _shift(page, events)
            await browser.close()
    p50, p95, p99 = np.percentile(painted, [50, 95, 99])
    return {
        "scenario": "console",
        "events": events,
        "key_to_painted_p50_ms": round(float(p50), 1),
        "key_to_painted_p95_ms": round(float(p95), 1),
        "key_to_painted_p99_ms": round(float(p99), 1),
        "key_to_painted_max_ms": round(max(painted), 1),
        "keystrokes_per_event": round(keys / events, 2),
    }


async def _shift(page: Page, events: int) -> tuple[list[float], int]:
    """Milliseconds from key to paint for each event, and the keys that were pressed for all of them."""
    ready = page.locator(".label[aria-disabled=false]").first
    await expect(ready).to_be_visible()
    await page.evaluate(_PROBE)
    for number in range(events):
        await expect(ready).to_be_visible()
        await page.keyboard.press(str(1 + number % len(_LABELS)))
        await page.wait_for_function("count => window.painted.length === count", arg=number + 1)
    painted: list[float] = await page.evaluate("window.painted")
    keys: int = await page.evaluate("window.keys")
    return painted, keys


def _query(number: int) -> Query:
    event, _ = transaction(Random(number), number)
    features: dict[str, Any] = dict(sorted(event.items()))
    event_id = features.pop("id")
    return Query(
        query_id=f"{number:016x}",
        event_id=event_id,
        lane="uncertain",
        propensity=0.2,
        utility=0.9,
        probabilities=dict.fromkeys(_LABELS, 0.5),
        model_version=0,
        decided_at=0.0,
        features=features,
    )

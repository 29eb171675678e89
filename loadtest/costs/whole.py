"""All costs: of metrics and logs, of asking, of trees, and of a portfolio that learns meanwhile."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from loadtest.bench import Bench, bench
from loadtest.children import child
from loadtest.lifecycle.labelled import label_log
from loadtest.machine import machine
from loadtest.outside.service_process import Services
from loadtest.progress import progress_bar
from loadtest.scaling import Run, one_run
from streamsel import wiring
from streamsel.codec import encode_log_record
from streamsel.config import Config
from streamsel.review.refusals import LabelLogUnreachable

ASKED = (0.0, 0.01, 0.1)
"""Shares of events."""
NOTHING = 1e-9
"""A budget must be above zero."""
LABELS_PER_SECOND = 35.0
LONGEST_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class Options:
    """``events`` in each run; ``rounds`` of each share asked, in turn."""

    events: int = 300_000
    rounds: int = 3
    broker: str | None = None


def costs(options: Options) -> dict[str, Any]:
    """The figures."""
    return asyncio.run(_costs(options))


async def _costs(options: Options) -> dict[str, Any]:
    with progress_bar("costs", 3 + len(ASKED) * options.rounds) as advance:
        async with bench(options.broker) as stand:
            told = await _telling(stand, options.events)
            advance(1)
            async with child(
                stand.folder / "trees.log", "loadtest.costs.trees", options.events // 20
            ) as tree:
                trees = await tree.figures(LONGEST_SECONDS)
            advance(1)
            asked = await _asked(stand, options, advance)
            portfolio, labels = await _portfolio(stand, options.events)
            advance(1)
    return {
        "scenario": "costs",
        "events": options.events,
        "rounds": options.rounds,
        "telling_share": round(told["telling"] / max(told["busy"], 1), 4),
        "telling_samples": told["busy"],
        "asked_events_per_second": {f"{share:g}": round(asked[share]) for share in ASKED},
        "asked_vs_nothing": {
            f"{share:g}": round(asked[share] / asked[0.0], 3) for share in ASKED if share > 0.0
        },
        "tree_us": round(trees["us"], 2),
        "bare_tree_us": round(trees["bare_us"], 2),
        "tree_vs_bare": round(trees["bare_us"] / trees["us"], 3),
        "portfolio_events_per_second": round(portfolio.events_per_second),
        "portfolio_labels_per_second": round(labels, 1),
        "machine": machine(),
    }


async def _telling(stand: Bench, events: int) -> dict[str, Any]:
    sections = stand.sections("telling.")
    await stand.train(sections)
    await asyncio.to_thread(stand.fill, stand.events_topic("telling."), events)
    folder = stand.folder / "telling"
    folder.mkdir()
    configuration = Services(folder).configured(sections)
    async with child(folder / "log", "loadtest.costs.telling", configuration, events) as selector:
        return await selector.figures(LONGEST_SECONDS)


async def _asked(stand: Bench, options: Options, advance: Callable[[float], None]) -> dict[float, float]:
    """Events a second by the share asked about, medians over the rounds."""
    rates: dict[float, list[float]] = {share: [] for share in ASKED}
    for turn in range(options.rounds):
        # The order alternates, so that a drift of the machine favours none.
        for share in ASKED if turn % 2 == 0 else ASKED[::-1]:
            select = {"budget": share or NOTHING}
            run = await one_run(stand, f"asked-{turn}-{share:g}.", 1, 1, options.events, select=select)
            rates[share].append(run.events_per_second)
            advance(1)
    return {share: statistics.median(found) for share, found in rates.items()}


async def _portfolio(stand: Bench, events: int) -> tuple[Run, float]:
    """A portfolio decides while labels come; how many a second really came."""
    sections = stand.sections("portfolio.", model={"preset": "portfolio"})
    await stand.train(sections)
    labels = _Labels()
    labelling = asyncio.create_task(labels.give(Config.model_validate(sections)))
    try:
        run = await one_run(stand, "portfolio.", 1, 1, events, model={"preset": "portfolio"})
        if labelling.done():
            labelling.result()
    finally:
        labelling.cancel()
        await asyncio.gather(labelling, return_exceptions=True)
    return run, labels.per_second


class _Labels:
    """Labels that go to the log at intended times."""

    per_second = 0.0
    """So far; less than intended where the log did not take them."""

    async def give(self, config: Config) -> None:
        """Until cancelled."""
        clock, given = asyncio.get_running_loop().time, 0
        began = clock()
        async with wiring.opened_label_log(config) as log:
            for number, record in enumerate(label_log(100_000, seed=5, superseding=False)):
                await asyncio.sleep(max(began + number / LABELS_PER_SECOND - clock(), 0.0))
                with suppress(LabelLogUnreachable):
                    await log.append([encode_log_record(record)])
                    given += 1
                self.per_second = given / (clock() - began)

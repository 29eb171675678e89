"""Deaths at every effect of random histories, of selector and desk in turn, until there are enough."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import structlog

from loadtest.faults.desk_crashes import desk_crashes
from loadtest.faults.selector_crashes import selector_crashes
from loadtest.outside.counts import Counts
from streamsel.adapters.embedded import EmbeddedValkey


def crash_points(least: int, seed: int, advance: Callable[[float], None]) -> tuple[dict[str, int], Counts]:
    """How many there were of each process, at least ``least`` in all, and what came of them. The same seed
    gives the same histories."""
    # Thousands of processes die here, and each would say so.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    deaths, counts = {"selector": 0, "desk": 0}, Counts()

    def died(process: str, found: Counts) -> None:
        nonlocal counts
        deaths[process] += 1
        counts += found
        advance(1)

    async def desks(url: str) -> None:
        async for found in desk_crashes(url, seed):
            died("desk", found)

    try:
        with tempfile.TemporaryDirectory(prefix="crashes-") as folder, EmbeddedValkey(Path(folder)) as store:
            while sum(deaths.values()) < least:
                for found in selector_crashes(seed):
                    died("selector", found)
                asyncio.run(desks(store.url))
                seed += 1
    finally:
        structlog.reset_defaults()
    return deaths, counts

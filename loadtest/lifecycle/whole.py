"""All figures of the model's life, one after the other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import Progress

from loadtest.lifecycle import coverage, living, promotion, rebuilding, restarting, restoring


@dataclass(frozen=True, slots=True)
class Options:
    """How much of everything. The defaults take some minutes."""

    labels: int = 20_000
    """Folded by the fastest preset; slower ones get a share."""
    restarts: int = 5
    """Of every preset."""
    restore_labels: int = 10_000_000
    streams: int = 200
    simulations: int = 1_000


def lifecycle(options: Options) -> dict[str, Any]:
    """Each part's figures; a part's own module says how it is measured."""
    parts: dict[str, Callable[[Callable[[float], None]], dict[str, Any]]] = {
        "rebuilding": partial(rebuilding.measure, options.labels),
        "restoring": partial(restoring.measure, options.restore_labels),
        "restarting": partial(restarting.measure, options.labels // 5, options.restarts),
        "coverage": lambda progress: coverage.measure(options.streams, _counted(options.streams, progress)),
        "promotion": partial(promotion.measure, options.simulations),
        "living": partial(living.measure, living.Options()),
    }
    figures: dict[str, Any] = {"scenario": "lifecycle"}
    console = Console(file=sys.stderr)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        for name, measure in parts.items():
            bar = progress.add_task(name, total=1.0)
            figures |= measure(lambda share, bar=bar: progress.update(bar, completed=share))  # type: ignore[misc]
            progress.update(bar, completed=1.0)
    return figures


def _counted(total: int, progress: Callable[[float], None]) -> Callable[[int], None]:
    """For a part that tells how many more are done."""
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        progress(done / total)

    return advance

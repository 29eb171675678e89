"""From names and seeds to tables."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from loadtest.quality.runs import jobs, results
from loadtest.quality.streams import streams
from loadtest.quality.table import Figures, Results, figures, page


def quality(
    data: Path | None, seeds: list[int], words: list[str], kept: Path, workers: int | None
) -> tuple[str, Figures]:
    """The page and its figures. ``words`` pick streams by parts of their names; none for all."""
    names = [name for name in streams(data) if not words or any(word in name for word in words)]
    wanted = jobs(names, seeds)
    # A model a process, each in one thread.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    console = Console(file=sys.stderr)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("runs", total=len(wanted))
        done = results(
            wanted, data, kept, workers or os.cpu_count() or 1, lambda more: progress.advance(bar, more)
        )
    found = Results(done, names)
    return page(found), figures(found)

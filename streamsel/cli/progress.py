"""Progress on a terminal, and nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_bars(of: str = "events") -> Iterator[Callable[[int], Callable[[int], None]]]:
    """A bar on a terminal: told how many there are, gives what is told how many more are through."""
    console = Console(file=sys.stderr)
    columns = (TextColumn(of), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def watch(total: int) -> Callable[[int], None]:
            bar = progress.add_task(of, total=total)
            return lambda more: progress.advance(bar, more)

        yield watch

"""Progress on a terminal; in a pipe nothing, or lines in the log."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bars(of: str = "events") -> Iterator[Callable[[int], Callable[[int], None]]]:
    """A bar on a terminal: told how many there are, gives what is told how many more are through."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stderr)
    columns = (TextColumn(of), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def watch(total: int) -> Callable[[int], None]:
            bar = progress.add_task(of, total=total)
            return lambda more: progress.advance(bar, more)

        yield watch


@contextmanager
def progress_lines(of: str) -> Iterator[Callable[[int], Callable[[int], None]]]:
    """The same as bars, and where there is no terminal as a line in the log at every tenth of the way."""
    if sys.stderr.isatty():
        with progress_bars(of) as watch:
            yield watch
        return
    import structlog

    log = structlog.get_logger()

    def watch_lines(total: int) -> Callable[[int], None]:
        done = 0

        def advance(more: int) -> None:
            nonlocal done
            tenths, done = done * 10 // total, done + more
            if done * 10 // total > tenths:
                log.info("progress", of=of, done=done, total=total)

        return advance

    yield watch_lines

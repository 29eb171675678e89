"""A progress bar on a terminal, none in a pipe; on stderr, so that stdout holds figures alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress_bar(name: str, steps: float) -> Iterator[Callable[[float], None]]:
    """Gives what to call with how many more steps are done."""
    console = Console(file=sys.stderr)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(name, total=steps)
        yield lambda steps: progress.advance(bar, steps)

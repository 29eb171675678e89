"""Showing the picture: live on a terminal, now and then a line elsewhere. Always on stderr."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from streamsel.demo.picture import Picture

_LINE_SECONDS = 5.0


class View:
    """Shows a picture while entered."""

    def __init__(self, picture: Picture, console: Console | None = None) -> None:
        self._picture = picture
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._next_line = time.monotonic() + _LINE_SECONDS

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        else:
            self._print(f"label along: {self._picture.link}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self) -> None:
        """Draws the picture as it is now; without a terminal prints, every few seconds, a line about it."""
        if self._live is not None:
            self._live.update(self._picture.draw(), refresh=True)
        elif time.monotonic() >= self._next_line:
            self._next_line += _LINE_SECONDS
            self._print(self._picture.line())

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False)

"""The live picture of a running demo, drawn with rich."""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from streamsel.demo.transactions import FRAUD
from streamsel.records import Query

HISTORY = 56
"""Samples in a sparkline."""
QUERIES_SHOWN = 8
_BARS = "▁▂▃▄▅▆▇█"
_SVG_WIDTH = 100
_WORST_ACCURACY = 0.8
"""Where the accuracy bars begin: below it nothing is worth telling apart."""


@dataclass
class Picture:
    """What is shown; brought up to date by whoever measures it. Rates per second."""

    events: int
    """In the whole stream."""
    target_backlog: int
    title: str
    link: str
    """Opens the page, once."""
    decided: int = 0
    events_per_second: float = 0.0
    bursting: bool = False
    query_fraction: float = 0.0
    labels: int = 0
    model_version: int = 0
    backlog: int = 0
    oldest_seconds: float = 0.0
    live_reviewers: int = 0
    accuracy: float = float("nan")
    accuracy_random: float = float("nan")
    recent: deque[Query] = field(default_factory=lambda: deque(maxlen=QUERIES_SHOWN))
    """The last events asked about."""
    answers: dict[str, str] = field(default_factory=dict)
    """Query id to label."""
    fractions: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))
    """``query_fraction`` over the last samples."""
    backlogs: deque[float] = field(default_factory=lambda: deque(maxlen=HISTORY))

    def draw(self) -> RenderableType:
        """The whole picture, about 25 lines."""
        return Panel(
            Group(self._progress(), "", self._figures(), "", self._queries(), "", self._footer()),
            title=self.title,
            border_style="cyan",
        )

    def line(self) -> str:
        """The gist in one line."""
        return (
            f"{self.decided:,}/{self.events:,} events  {self.events_per_second:,.0f}/s  "
            f"asking {self.query_fraction:.1%}  backlog {self.backlog}/{self.target_backlog}  "
            f"labels {self.labels:,}  accuracy {self.accuracy:.4f} (random labels {self.accuracy_random:.4f})"
        )

    def _progress(self) -> RenderableType:
        row = Table.grid(padding=(0, 2))
        rate = f"{self.events_per_second:,.0f} events/s" + ("  burst" if self.bursting else "")
        row.add_row(
            ProgressBar(total=self.events, completed=self.decided, width=40),
            f"{self.decided:,} of {self.events:,}",
            Text(rate, style="bold yellow" if self.bursting else ""),
        )
        return row

    def _figures(self) -> RenderableType:
        rows = Table.grid(padding=(0, 2))
        rows.add_row("asked about", f"{self.query_fraction:.1%}", sparkline(self.fractions))
        # The cap, twice the target, is the top of the line.
        limits = sparkline(self.backlogs, top=2.0 * self.target_backlog)
        rows.add_row("backlog", f"{self.backlog} of {self.target_backlog}", limits)
        rows.add_row(
            "oldest waiting", f"{self.oldest_seconds:.1f} s", f"{self.live_reviewers} reviewers live"
        )
        rows.add_row("labels", f"{self.labels:,}", f"model version {self.model_version}")
        rows.add_row("accuracy", f"{self.accuracy:.4f}", _bar(self.accuracy, "green", "labels asked for"))
        rows.add_row(
            "", f"{self.accuracy_random:.4f}", _bar(self.accuracy_random, "blue", "as many random labels")
        )
        return rows

    def _queries(self) -> RenderableType:
        table = Table("event", "lane", "amount", "channel", "merchant", "p(fraud)", "answer", box=None)
        for query in self.recent:
            features = query.features
            answer = self.answers.get(query.query_id, "…")
            table.add_row(
                query.event_id,
                query.lane,
                f"{features['amount']:8.2f}",
                str(features["channel"]),
                str(features["merchant"]),
                f"{query.probabilities[FRAUD]:.2f}" if query.probabilities else "unknown",
                Text(answer, style="red" if answer == FRAUD else ""),
            )
        return table

    def _footer(self) -> RenderableType:
        return Text(f"label along: {self.link}", style="dim", overflow="fold")


def svg(picture: Picture) -> str:
    """The picture as a terminal shows it, for a document. Fetches nothing: fonts are the reader's own."""
    console = Console(
        record=True, width=_SVG_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    console.print(picture.draw())
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title="streamsel demo"), flags=re.DOTALL)


def sparkline(values: Iterable[float], top: float | None = None) -> str:
    """One bar a value, from 0 to ``top`` or the largest value."""
    shown = list(values)
    highest = top or max(shown, default=0.0) or 1.0
    return "".join(_BARS[min(int(value / highest * len(_BARS)), len(_BARS) - 1)] for value in shown)


def _bar(accuracy: float, colour: str, what: str) -> Text:
    share = (accuracy - _WORST_ACCURACY) / (1.0 - _WORST_ACCURACY)
    width = round(min(max(share, 0.0), 1.0) * 30) if share == share else 0
    return Text.assemble(("━" * width, colour), f" {what}")

"""Spans of time on the command line: bursts of events, absences of reviewers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import typer

from streamsel.backtest.trace import Absence, Burst


def bursts(texts: Sequence[str]) -> tuple[Burst, ...]:
    """From START:STOP:FACTOR each; raises ``typer.BadParameter``."""
    found = []
    for text in texts:
        numbers = _numbers(text)
        if len(numbers) != 3 or not _is_span(numbers) or numbers[2] <= 0:
            raise typer.BadParameter(
                f"'{text}' is not START:STOP:FACTOR, seconds and a factor above 0, as in 600:1200:10",
                param_hint="--burst",
            )
        found.append(Burst(*numbers))
    return tuple(found)


def absences(texts: Sequence[str]) -> tuple[Absence, ...]:
    """From START:STOP or START:STOP:HOW MANY each; raises ``typer.BadParameter``."""
    found = []
    for text in texts:
        start, stop, *many = numbers = _numbers(text) or (0.0, 0.0)
        if len(many) > 1 or not _is_span(numbers) or any(one < 1 or one != int(one) for one in many):
            raise typer.BadParameter(
                f"'{text}' is not START:STOP or START:STOP:HOW MANY, in seconds, as in 300:420 or 300:420:2",
                param_hint="--absent",
            )
        found.append(Absence(start, stop, int(many[0]) if many else None))
    return tuple(found)


def _numbers(text: str) -> tuple[float, ...]:
    """Those between the colons; none when one of them is no number, or there is only one."""
    try:
        numbers = tuple(map(float, text.split(":")))
    except ValueError:
        return ()
    return numbers if len(numbers) > 1 and all(map(math.isfinite, numbers)) else ()


def _is_span(numbers: Sequence[float]) -> bool:
    return 0 <= numbers[0] < numbers[1]

"""Spans of time as typed."""

from __future__ import annotations

import pytest
import typer

from streamsel.backtest.trace import Absence, Burst
from streamsel.cli.spans import absences, bursts


def test_bursts_and_absences_are_read() -> None:
    """In seconds, with a factor or a number of reviewers."""
    assert bursts(["600:1200:10", "0:1.5:0.5"]) == (Burst(600, 1200, 10), Burst(0, 1.5, 0.5))
    assert absences(["300:420", "0:60:2"]) == (Absence(300, 420, None), Absence(0, 60, 2))


@pytest.mark.parametrize("text", ["", "1", "1:2", "a:b:c", "2:1:3", "-1:2:3", "1:2:0", "1:2:nan", "1:2:3:4"])
def test_what_is_no_burst_is_refused(text: str) -> None:
    """Saying how one is written."""
    with pytest.raises(typer.BadParameter, match="START:STOP:FACTOR"):
        bursts([text])


@pytest.mark.parametrize("text", ["", "1", "a:b", "2:1", "-1:2", "1:inf", "1:2:0", "1:2:1.5", "1:2:3:4"])
def test_what_is_no_absence_is_refused(text: str) -> None:
    """Somebody must be away, and a whole number of them."""
    with pytest.raises(typer.BadParameter, match="START:STOP"):
        absences([text])

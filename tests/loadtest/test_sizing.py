"""The sizing page, the slopes and the pages of figures: pure parts of the load tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from loadtest.commands import show
from loadtest.growth.slope import fitted
from loadtest.page import write_section
from loadtest.sizing import Demand, Measured, limits, size

MEASURED = Measured(
    models={"logistic": 6.0, "portfolio": 20.0},
    clients=4.0,
    fold=50.0,
    offer=40.0,
    claim=50.0,
    report=60.0,
    query_bytes=640.0,
    label_bytes=400.0,
)
DEMAND = Demand("a bank", 50_000, 50, "logistic")


def test_a_demand_gets_the_processes_its_events_keep_busy() -> None:
    """Fifty thousand events of 10 µs are half a core: one process; two hundred thousand are three."""
    assert size(DEMAND, MEASURED).processes == 1
    assert size(replace(DEMAND, events_per_second=200_000), MEASURED).processes == 3


@given(st.floats(1.0, 1e8), st.integers(1, 100_000), st.floats(1.0, 5.0))
def test_more_of_anything_never_takes_less(events: float, reviewers: int, more: float) -> None:
    """Processes, memory and every share grow with events and with reviewers."""
    before = size(Demand("", events, reviewers, "logistic"), MEASURED)
    for bigger in (
        Demand("", events * more, reviewers, "logistic"),
        Demand("", events, int(reviewers * more), "logistic"),
        Demand("", events, reviewers, "portfolio"),
    ):
        after = size(bigger, MEASURED)
        assert after.processes >= before.processes
        assert after.store_mib >= before.store_mib
        assert all(after.shares[name] >= share for name, share in before.shares.items())


def test_what_breaks_first_is_named_and_breaks_at_its_limit() -> None:
    """A few more reviewers than all selectors can follow: the label log it is."""
    far = limits(MEASURED, "logistic")
    most = int(far["reviewers_by_fold"])
    assert most < far["reviewers_by_store"]
    within, beyond = (size(replace(DEMAND, reviewers=most + some), MEASURED) for some in (-10, 10))
    assert not within.breaks
    assert beyond.breaks
    assert "label log" in beyond.tightest


@given(st.floats(0.1, 100.0), st.floats(0.0, 2.0))
def test_a_power_is_found_again(factor: float, exponent: float) -> None:
    """Costs made as factor · size^exponent show that exponent, and its verdict."""
    growth = fitted({size: factor * size**exponent for size in (1.0, 10.0, 100.0, 1000.0)})
    assert growth.exponent == pytest.approx(exponent, abs=1e-6)
    if exponent < 0.09:
        assert growth.verdict == "flat"
    if exponent > 1.11:
        assert growth.verdict == "worse than linear"


def test_a_line_shows_its_slope() -> None:
    """Two of cost for each of size; of the largest cost all but the smallest came with it."""
    growth = fitted({1.0: 5.0, 2.0: 7.0, 10.0: 23.0})
    assert growth.per_unit == pytest.approx(2.0)
    assert growth.share == pytest.approx(18.0 / 23.0)
    assert fitted({1.0: 5.0, 10.0: 4.0}).share == 0.0


def test_a_section_is_renewed_in_its_place(tmp_path: Path) -> None:
    """What others wrote stays, before and after; a new section goes to the end."""
    page = tmp_path / "performance.md"
    write_section(page, "Performance", "soak", "soak it", "old \\1 figures")
    write_section(page, "Performance", "start", "start it", "started")
    before = page.read_text()
    write_section(page, "Performance", "soak", "soak it", "new \\1 figures")
    assert page.read_text() == before.replace("old", "new")
    assert page.read_text().startswith("# Performance\n")
    assert page.read_text().count("started") == 1


def test_an_invalid_run_ends_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The figures are printed all the same, with the reason."""
    figures: dict[str, Any] = {"scenario": "latency", "valid": False, "why": {"echo": "fell behind"}}
    with pytest.raises(typer.Exit) as ended:
        show(figures, as_json=True, output=None)
    assert ended.value.exit_code == 1
    assert "fell behind" in capsys.readouterr().out
    show({"scenario": "latency", "valid": True}, as_json=True, output=None)

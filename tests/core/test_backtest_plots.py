"""Line charts as SVG."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.backtest.plots import HEIGHT, WIDTH, Axis, Line, chart, logarithmic_ticks, ticks

LINE = Line("here", [0.0, 1.0, 2.0], [0.5, math.nan, 0.7], 0, [0.4, math.nan, 0.6], [0.6, math.nan, 0.8])


def drawn(*lines: Line, x: Axis | None = None) -> ET.Element:
    """The chart, which must be well-formed."""
    return ET.fromstring(chart("title", x or Axis("x"), Axis("y"), lines, above=Axis("hours", 2.0)))  # noqa: S314


def paths(figure: ET.Element, kind: str) -> list[str]:
    found = [path for path in figure.iter("path") if path.get("class", "").startswith(kind)]
    return [path.get("d", "") for path in found]


@given(st.floats(-1e3, 1e3), st.floats(1e-6, 1e9))
def test_ticks_are_few_round_and_within(lengths: float, length: float) -> None:
    """At least two, so that an axis can be read, wherever it begins."""
    low = lengths * length
    found = ticks(low, low + length)
    assert 2 <= len(found) <= 7
    assert all(low - length * 1e-6 <= tick <= low + length * (1 + 1e-6) for tick in found)


def test_logarithmic_ticks_are_round_as_well() -> None:
    """1, 2 and 5."""
    assert logarithmic_ticks(15, 1_100) == [20, 50, 100, 200, 500, 1_000]


def test_a_point_that_is_not_known_is_left_out() -> None:
    """The line goes on after it."""
    line, legend = paths(drawn(LINE), "line")
    assert len(re.findall("[ML]", line)) == 2
    assert legend == "M0 4H24"


def test_bands_are_drawn_where_there_are_some() -> None:
    """A run under one seed has none."""
    assert len(paths(drawn(LINE), "band")) == 1
    unsure = Line("one seed", [0.0, 1.0], [0.5, 0.6], 0, [math.nan] * 2, [math.nan] * 2)
    assert paths(drawn(unsure), "band") == []


def test_a_chart_of_nothing_is_still_one() -> None:
    """No exception: a run may have had no answer at all."""
    drawn(Line("none", [], [], 0))
    drawn(Line("unknown", [1.0], [math.nan], 0))


def test_names_are_text() -> None:
    """Whatever a strategy or file is called."""
    figure = drawn(Line("<script>'\"&", [0.0, 1.0], [0.0, 1.0], 0))
    assert next(iter(figure.iter("title"))).text == "<script>'\"&"


@pytest.mark.parametrize("logarithmic", [False, True])
@given(st.lists(st.tuples(st.floats(1, 1e7), st.floats(-1e3, 1e3)), min_size=1, max_size=20))
def test_everything_lies_within_the_picture(logarithmic: bool, points: list[tuple[float, float]]) -> None:
    """On either kind of axis."""
    x, y = zip(*sorted(points), strict=True)
    figure = drawn(Line("a", x, y, 0, marked=True), x=Axis("x", logarithmic=logarithmic))
    for dot in figure.iter("circle"):
        assert 0 <= float(dot.get("cx", "")) <= WIDTH
        assert 0 <= float(dot.get("cy", "")) <= HEIGHT

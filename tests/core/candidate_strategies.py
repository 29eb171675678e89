"""Micro-batches of every kind as Hypothesis strategies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from streamsel.selection.candidates import Candidates, Floats, Recent


def simplexes(shape: tuple[int, ...], smallest: float = 0.0) -> st.SearchStrategy[Floats]:
    """Probabilities along the last axis."""
    elements = st.floats(max(smallest, 1e-9), 1.0)
    return arrays(np.float64, shape, elements=elements).map(
        lambda table: table / table.sum(axis=-1, keepdims=True)
    )


def points(rows: int, dimensions: int) -> st.SearchStrategy[Floats]:
    """Standardised numbers, clipped as ``Space`` does."""
    return arrays(np.float64, (rows, dimensions), elements=st.floats(-5.0, 5.0))


@st.composite
def candidates(draw: st.DrawFn, smallest: float = 0.0) -> Candidates:
    """A micro-batch with everything any acquisition function takes."""
    events, classes, dimensions = draw(st.integers(1, 6)), draw(st.integers(2, 4)), draw(st.integers(1, 3))
    members, sample, asked = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(1, 4))
    return Candidates(
        probabilities=draw(simplexes((events, classes), smallest)),
        members=draw(simplexes((members, events, classes), smallest)),
        weights=draw(simplexes((members,), 0.01)),
        points=draw(points(events, dimensions)),
        recent=Recent(draw(points(sample, dimensions)), draw(simplexes((sample, classes), smallest))),
        asked=draw(points(asked, dimensions)),
    )


def with_events(given: Candidates, order: NDArray[np.intp]) -> Candidates:
    """The events of ``order`` alone, in that order."""
    assert given.members is not None
    assert given.points is not None
    return replace(
        given,
        probabilities=given.probabilities[order],
        members=given.members[:, order],
        points=given.points[order],
    )


def with_classes(given: Candidates, order: list[int]) -> Candidates:
    """The classes named in another order."""
    assert given.members is not None
    assert given.recent is not None
    return replace(
        given,
        probabilities=given.probabilities[:, order],
        members=given.members[:, :, order],
        recent=Recent(given.recent.points, given.recent.probabilities[:, order]),
    )

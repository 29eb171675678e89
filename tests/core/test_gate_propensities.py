"""Propensities are the frequencies: by simulation, for every kind of micro-batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from streamsel.selection import Gate, QueryRate, draws
from streamsel.selection.ruling import NEVER, SUPPRESSED, Ruling

EVENTS = 200_000


@dataclass(frozen=True)
class Course:
    """Every event of a stream: what it was worth, how likely it was to be asked about, whether it was."""

    utilities: np.ndarray
    propensities: np.ndarray
    asked: np.ndarray


def decided(kind: str, micro_batch: int) -> Course:
    """200,000 events at one gate, in micro-batches, their draws made from their ids."""
    rng = np.random.default_rng(7)
    gate = Gate()
    utilities = rng.random(EVENTS)
    rate = QueryRate(0.1, 0.03, 10**9, 1e9)
    ranks, costs = np.zeros(EVENTS), None
    if kind == "ties":
        utilities = np.round(utilities, 1)
    elif kind == "all alike":
        utilities = np.ones(EVENTS)
    elif kind == "all explored":
        rate = QueryRate(0.1, 0.1, 10**9, 1e9)
    elif kind == "little room":
        rate = QueryRate(0.1, 0.03, max(micro_batch // 20, 1), explore_room=0.02 * micro_batch)
    elif kind == "rules":
        ranks = rng.choice([0.0, 1.0, 2.0, SUPPRESSED, NEVER], EVENTS, p=[0.7, 0.08, 0.02, 0.1, 0.1])
        utilities = np.round(utilities, 2)
    elif kind == "costs":
        costs = rng.choice([0.5, 1.0, 4.0], EVENTS)
    elif kind == "few":
        rate = QueryRate(0.01, 0.002, 10**9, 1e9)
    propensities, asked = np.empty(EVENTS), np.empty(EVENTS, dtype=bool)
    for start in range(0, EVENTS, micro_batch):
        rows = slice(start, start + micro_batch)
        explore, tie = draws([str(row) for row in range(start, min(start + micro_batch, EVENTS))], seed=5)
        ruling = None
        if kind in ("rules", "costs"):
            ruling = Ruling(ranks[rows], None if costs is None else costs[rows])
        found = gate.decide(utilities[rows], rate, explore, tie, ruling)
        propensities[rows], asked[rows] = found.propensities, found.lanes > 0
    return Course(utilities, propensities, asked)


KINDS = ["plain", "ties", "all alike", "all explored", "little room", "rules", "costs", "few"]


@pytest.mark.parametrize(
    ("kind", "micro_batch"), [(kind, 500) for kind in KINDS] + [(kind, 40) for kind in KINDS] + [("rules", 7)]
)
def test_propensities_are_the_frequencies(kind: str, micro_batch: int) -> None:
    """Events grouped by propensity: those asked about are as many as it says, by a chi-square, and means
    weighted by its inverse are those of all events."""
    course = decided(kind, micro_batch)
    chance, asked = course.propensities, course.asked
    assert not asked[chance == 0.0].any()
    assert asked[chance == 1.0].all()

    order = np.argsort(chance, kind="stable")
    groups = np.array_split(order[(chance[order] > 0.0) & (chance[order] < 1.0)], 40)
    expected = np.array([chance[rows].sum() for rows in groups])
    spread = np.array([(chance[rows] * (1.0 - chance[rows])).sum() for rows in groups])
    observed = np.array([asked[rows].sum() for rows in groups])
    statistic = float(((observed - expected) ** 2 / spread).sum())
    assert statistic < 40.0 + 3.5 * np.sqrt(80.0)

    possible = chance > 0.0
    values = np.sin(40.0 * course.utilities[possible]) + np.linspace(0.0, 1.0, int(possible.sum()))
    weighted = values * asked[possible] / chance[possible]
    deviation = np.sqrt((values**2 * (1.0 / chance[possible] - 1.0)).sum())
    assert abs(weighted.sum() - values.sum()) < 3.5 * deviation


def test_propensities_given_what_was_drawn_before() -> None:
    """The same second event is asked about as often as said, whatever became of the first."""
    repeats = 40_000
    rng = np.random.default_rng(8)
    rate = QueryRate(0.3, 0.1, 10**9, 1e9)
    utilities = np.array([0.2, 0.6, 0.6, 0.1])
    before = rng.random(60)
    found = []
    for _ in range(repeats // 4):
        gate = Gate(window=20)
        gate.decide(before, rate, *rng.random((2, 60)))
        found.append(gate.decide(utilities, rate, *rng.random((2, 4))))
    for row in range(4):
        chance = np.array([one.propensities[row] for one in found])
        asked = np.array([one.lanes[row] > 0 for one in found])
        for value in np.unique(np.round(chance, 9)):
            rows = np.isclose(chance, value, atol=1e-9)
            deviation = np.sqrt(rows.sum() * value * (1.0 - value))
            assert abs(asked[rows].sum() - rows.sum() * value) <= 4.5 * deviation + 1e-6

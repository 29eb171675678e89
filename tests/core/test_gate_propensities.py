"""Propensities are the frequencies: by simulation, for every kind of micro-batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from streamsel.selection import Gate, QueryRate, draws
from streamsel.selection.draws import holdout_draws
from streamsel.selection.gate import HOLDOUT
from streamsel.selection.ruling import NEVER, SUPPRESSED, Ruling

EVENTS = 200_000
HELD_OUT = 0.03


@dataclass(frozen=True)
class Course:
    """Every event of a stream: what it was worth, how likely it was to be asked about, and its lane."""

    utilities: np.ndarray
    propensities: np.ndarray
    lanes: np.ndarray


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
    elif kind.startswith("rules"):
        ranks = rng.choice([0.0, 1.0, 2.0, SUPPRESSED, NEVER], EVENTS, p=[0.7, 0.08, 0.02, 0.1, 0.1])
        utilities = np.round(utilities, 2)
    elif kind.startswith("costs"):
        costs = rng.choice([0.5, 1.0, 4.0], EVENTS)
    elif kind == "few":
        rate = QueryRate(0.01, 0.002, 10**9, 1e9)
    if kind.endswith("held out"):
        rate = replace(rate, holdout_fraction=HELD_OUT)
    propensities, lanes = np.empty(EVENTS), np.empty(EVENTS, dtype=np.int8)
    for start in range(0, EVENTS, micro_batch):
        rows = slice(start, start + micro_batch)
        ids = [str(row) for row in range(start, min(start + micro_batch, EVENTS))]
        explore, tie = draws(ids, seed=5)
        ruling = None
        if kind.startswith(("rules", "costs")):
            ruling = Ruling(ranks[rows], None if costs is None else costs[rows])
        found = gate.decide(utilities[rows], rate, explore, tie, ruling, holdout_draws(ids, seed=5))
        propensities[rows], lanes[rows] = found.propensities, found.lanes
    return Course(utilities, propensities, lanes)


KINDS = ["plain", "ties", "all alike", "all explored", "little room", "rules", "costs", "few"]
KINDS += ["held out", "ties, held out", "rules, held out", "costs, held out"]


@pytest.mark.parametrize(
    ("kind", "micro_batch"), [(kind, 500) for kind in KINDS] + [(kind, 40) for kind in KINDS] + [("rules", 7)]
)
def test_propensities_are_the_frequencies(kind: str, micro_batch: int) -> None:
    """Events grouped by propensity: those asked about are as many as it says, by a chi-square, and means
    weighted by its inverse are those of all events."""
    course = decided(kind, micro_batch)
    chance, asked = course.propensities, course.lanes > 0
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


@pytest.mark.parametrize("kind", ["held out", "ties, held out"])
def test_what_is_held_out_is_a_random_sample(kind: str) -> None:
    """Its share of the events of any utility and of any time, by a chi-square; and of the others just what
    the fraction leaves is asked about."""
    course = decided(kind, 500)
    held = course.lanes == HOLDOUT
    order = np.argsort(course.utilities, kind="stable")
    groups = [*np.array_split(order, 20), *np.array_split(np.arange(EVENTS), 20)]
    expected = np.array([HELD_OUT * len(rows) for rows in groups])
    observed = np.array([held[rows].sum() for rows in groups])
    statistic = float(((observed - expected) ** 2 / (expected * (1.0 - HELD_OUT))).sum())
    assert statistic < 40.0 + 3.5 * np.sqrt(2.0 * 80.0)
    assert np.count_nonzero(course.lanes) == pytest.approx(0.1 * EVENTS, rel=0.01)


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

"""Whether the live accuracy's interval holds the truth, over simulated streams with delay and drift.

Scoring, fold, gate and estimate are the service's own. Simulated are the stream, of which the true labels of
all events are known, and when its labels come: late, and some never.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.evaluation.aipw import Answers, Estimate
from streamsel.learning.evaluation.measures import Cell
from streamsel.learning.evaluation.sums import LEAST_PROPENSITY, DecidedEvents, summed
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import LANES, FeatureTable, Label
from streamsel.selection import QueryRate, QueryStrategy, Scored, StrategySettings
from streamsel.selection.gate import EXPLORE

STREAMS = 200
EVENTS = 8_000
FEATURES = 6
BUDGET, EXPLORED = 0.1, 0.47
"""Share of the events asked about, and of these drawn at random; as draws go, half are."""
MEAN_DELAY, EXPIRY = 200.0, 600
"""From asking to the label, in events; a query not answered by then expires."""
NEVER = 0.08
"""Share of the queries that nobody answers at all."""
MICRO_BATCH = 25
NAMES = ("negative", "positive")


@dataclass(frozen=True, slots=True)
class Course:
    """One stream as it went; arrays with one entry an event."""

    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    propensities: NDArray[np.float64]
    lanes: NDArray[np.int8]
    answered: NDArray[np.bool_]


def measure(streams: int = STREAMS, progress: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """``coverage`` of the 95 % intervals; ``rmse_ratio`` to the mean of as many labels of events drawn at
    random."""
    covered, squares, audits, shares, prequential = [], [], [], [], []
    for seed in range(streams):
        course = _course(seed)
        estimate, truth, right = _evaluated(course)
        covered.append(estimate.low <= truth <= estimate.high)
        squares.append((estimate.value - truth) ** 2)
        audits.append(truth * (1.0 - truth) / len(right) * (1.0 - len(right) / (EVENTS - EXPIRY)))
        shares.append(np.count_nonzero(course.lanes == EXPLORE) / np.count_nonzero(course.lanes))
        prequential.append((right.mean() - truth) ** 2)
        progress(1)
    audit = float(np.mean(audits)) ** 0.5
    return {
        "coverage": round(float(np.mean(covered)), 4),
        "rmse_ratio": round(float(np.mean(squares)) ** 0.5 / audit, 3),
        "prequential_rmse_ratio": round(float(np.mean(prequential)) ** 0.5 / audit, 3),
        "explored_share": round(float(np.mean(shares)), 3),
        "streams": streams,
    }


def _evaluated(course: Course) -> tuple[Estimate, float, NDArray[np.bool_]]:
    """The accuracy as estimated, as it was, and whether the answered were predicted right. Of events old
    enough that no label of them is awaited any more."""
    settled = slice(0, EVENTS - EXPIRY)
    decided = DecidedEvents(
        course.probabilities[settled], course.lanes[settled], course.propensities[settled]
    )
    counted = np.isfinite(decided.probabilities).all(axis=1) & (decided.propensities >= LEAST_PROPENSITY)
    truth = course.truth[settled]
    rows = np.flatnonzero(counted & course.answered[settled])
    answers = Answers(
        truth[rows], decided.probabilities[rows], decided.propensities[rows], decided.lanes[rows]
    )
    (row,) = summed(decided, len(NAMES), 1)
    accuracy = (decided.probabilities[counted].argmax(axis=1) == truth[counted]).mean()
    return Cell(row, answers).measures()["accuracy"], float(accuracy), answers.predicted == answers.truth


def _course(seed: int) -> Course:
    rng = np.random.default_rng(seed)
    values, truth = _stream(rng)
    features = [dict(zip("abcdef", map(float, row), strict=True)) for row in values]
    model = ServingModel(Fold(ModelSpec(NAMES)))
    strategy = QueryStrategy(StrategySettings("entropy", seed=seed))
    rate = QueryRate(BUDGET, EXPLORED * BUDGET, room=2**31, explore_room=2.0**31)
    course = Course(
        truth,
        np.full((EVENTS, len(NAMES)), np.nan),
        np.zeros(EVENTS),
        np.zeros(EVENTS, np.int8),
        np.zeros(EVENTS, np.bool_),
    )
    on_their_way: list[tuple[float, int]] = []
    for start in range(0, EVENTS, MICRO_BATCH):
        while on_their_way and on_their_way[0][0] <= start:
            row = heapq.heappop(on_their_way)[1]
            course.answered[row] = True
            model.fold.apply(model.version, _label(row, features[row], course))
        some = slice(start, start + MICRO_BATCH)
        table = FeatureTable.of(features[some])
        probabilities = model.probabilities(table)
        if probabilities.shape[1]:
            course.probabilities[some] = probabilities
        ids = [f"{seed}-{row}" for row in range(EVENTS)[some]]
        scored = Scored(ids, table, NAMES, probabilities, experience=model.experience)
        decided = strategy.decide(scored, rate).decisions
        course.lanes[some], course.propensities[some] = decided.lanes, decided.propensities
        for asked in np.flatnonzero(decided.lanes).tolist():
            delay = rng.exponential(MEAN_DELAY)
            if rng.random() >= NEVER and delay < EXPIRY:
                heapq.heappush(on_their_way, (start + asked + delay, start + asked))
    for _, row in on_their_way:
        # Labels that come after the last event are of events too young to be evaluated, or do come.
        course.answered[row] = True
    return course


def _stream(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """A boundary that turns, at once or all the time; from blurred to clear, with classes even or not."""
    values = rng.normal(size=(EVENTS, FEATURES))
    before, after = (_direction(rng) for _ in range(2))
    passed = np.arange(EVENTS) / EVENTS
    moved = passed if rng.random() < 0.5 else (passed > rng.uniform(0.3, 0.8)).astype(np.float64)
    sharpness, offset = np.exp(rng.uniform(np.log(2.0), np.log(16.0))), rng.uniform(-1.5, 0.0)
    place = values @ before * (1.0 - moved) + values @ after * moved + offset
    chance = 1.0 / (1.0 + np.exp(-sharpness * place))
    return values, (rng.random(EVENTS) < chance).astype(np.intp)


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    drawn = rng.normal(size=FEATURES)
    return np.asarray(drawn / np.linalg.norm(drawn))


def _label(row: int, features: dict[str, float], course: Course) -> Label:
    said = course.probabilities[row]
    known = bool(np.isfinite(said).all())
    return Label(
        label_id=str(row),
        revision=1,
        event_id=str(row),
        label=NAMES[course.truth[row]],
        source="reviewer",
        labelled_by="simulated",
        labelled_at=0.0,
        features=features,
        lane=LANES[course.lanes[row]],
        propensity=float(course.propensities[row]),
        probabilities=dict(zip(NAMES, said.tolist(), strict=True)) if known else {},
    )

"""Both logs folded to the quality of the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning.evaluation.evaluation import Evaluation, Terms, WindowQuality
from streamsel.records import LogRecord, Retraction, Summary
from tests.core.evaluated import NAMES, START, label, summary_of

SETTLE = 600.0
TERMS = Terms(NAMES, SETTLE, {"no": {"yes": 5.0}})
NOW = START + 3_600.0


def folded(records: Sequence[LogRecord], summaries: Sequence[Summary]) -> Evaluation:
    evaluation = Evaluation(TERMS)
    for record in records:
        evaluation.add_record(record)
    for summary in summaries:
        evaluation.add_summary(summary)
    return evaluation


def start(evaluation: Evaluation, now: float = NOW) -> WindowQuality:
    """Of everything settled."""
    return evaluation.window(evaluation.population.since, evaluation.settled_until(now))


LABELS = [
    label(
        number,
        "yes" if number % 3 else "no",
        0.8,
        at=START + 60.0 * (number % 20),
        region=f"r{number % 2}",
        propensity=1.0,
    )
    for number in range(40)
]
SUMMARIES = [summary_of([one for one in LABELS if one.decided_at == at], number, others=5)
             for number, at in enumerate(sorted({one.decided_at or 0.0 for one in LABELS}))]  # fmt: skip
CHANGES: list[LogRecord] = [
    replace(LABELS[3], label="yes", revision=2),
    replace(LABELS[4], label="no", revision=2),
    replace(LABELS[4], label="yes", revision=3),
    Retraction("q5", 2, "undone", "ana", NOW),
    Retraction("q6", 2, "undone", "ana", NOW),
    replace(LABELS[6], label="yes", revision=3),
]
STANDING = [replace(one, label="yes") if one.label_id in ("q3", "q4", "q6") else one
            for one in LABELS if one.label_id != "q5"]  # fmt: skip


@given(order=st.permutations([*LABELS, *CHANGES, *LABELS[:9], *CHANGES[:3]]), turned=st.booleans())
@settings(max_examples=20, deadline=None)
def test_corrections_repetitions_and_order_make_no_difference(order: list[LogRecord], turned: bool) -> None:
    """What stands in the end is what counts, each summary once."""
    summaries = [*SUMMARIES, *SUMMARIES[:4]]
    found = start(folded(order, summaries[::-1] if turned else summaries))
    expected = start(folded(STANDING, SUMMARIES))
    assert found.whole.answered == expected.whole.answered == 39
    assert found.whole.events == expected.whole.events == 40 + 5 * len(SUMMARIES)
    for name, estimate in expected.whole.measures.items():
        if name not in ("roc_auc", "average_precision", "calibration_error"):
            assert found.whole.measures[name] == pytest.approx(estimate, nan_ok=True)
    assert found.prequential == pytest.approx(expected.prequential)


@pytest.mark.parametrize(
    "change",
    [
        {"source": "seed"},
        {"source": "model"},
        {"lane": "none"},
        {"propensity": 0.0},
        {"decided_at": None},
        {"label": "perhaps"},
        {"probabilities": {}},
    ],
)
def test_labels_that_tell_nothing_of_the_model_are_left_out(change: dict[str, object]) -> None:
    """Seeds, models' own answers, those nobody drew, those without a prediction: also as a correction."""
    useless = replace(LABELS[0], **change)  # type: ignore[arg-type]
    assert start(folded([useless, *LABELS[1:]], SUMMARIES)).whole.answered == 39
    corrected = replace(useless, revision=2)
    assert start(folded([*LABELS, corrected], SUMMARIES)).whole.answered == 39


def test_what_may_still_be_answered_is_not_missing_yet() -> None:
    """A window ends where queries have expired; before that there is nothing to tell."""
    evaluation = folded(LABELS, SUMMARIES)
    assert evaluation.windows(START + SETTLE) == {}
    early = start(evaluation, START + SETTLE + 300.0)
    assert (early.since, early.until) == (START, START + 300.0)
    assert early.whole.events == 5 * 7
    assert early.whole.answered == 10


def test_windows_reach_back_from_the_last_settled_minute() -> None:
    """The last hour is not the whole, once more than that has passed."""
    later = [label(100 + number, "yes", 0.9, at=START + 7_200.0 + 60.0 * number) for number in range(20)]
    summaries = [summary_of([one], 100 + number) for number, one in enumerate(later)]
    evaluation = folded([*LABELS, *later], [*SUMMARIES, *summaries])
    windows = evaluation.windows(START + 7_200.0 + 1_200.0 + SETTLE)
    assert windows["hour"].whole.answered == 20
    assert windows["day"].whole.answered == windows["labels"].whole.answered == 60
    assert windows["hour"].whole.measures["accuracy"].value > windows["day"].whole.measures["accuracy"].value


def test_old_minutes_are_kept_as_hours_with_their_labels() -> None:
    """Two days later the sums are the same and every label is still in its window."""
    evaluation = folded(LABELS, SUMMARIES)
    before = start(evaluation)
    late = START + 2 * 86_400.0
    evaluation.add_summary(summary_of([label(99, "yes", 0.9, at=late)], 99))
    evaluation.add_record(label(99, "yes", 0.9, at=late))
    after = start(evaluation, late + 2 * SETTLE)
    assert after.whole.events == before.whole.events + 1
    assert after.whole.answered == before.whole.answered + 1
    assert after.since <= START < after.since + 3_600.0


def test_segments_are_told_apart() -> None:
    """Each by its own events and answers."""
    summaries = []
    for summary in SUMMARIES:
        own = [one for one in LABELS if one.decided_at == summary.decided_from]
        cells = {
            f"region=r{side}": [one for one in own if one.segments["region"] == f"r{side}"] for side in (0, 1)
        }
        rows = [summary_of(some, 0).sums[0] for some in cells.values()]
        summaries.append(replace(summary, cells=("", *cells), sums=np.array([summary.sums[0], *rows])))
    found = start(folded(LABELS, summaries))
    assert {name: cell.answered for name, cell in found.segments.items()} == {
        "region=r0": 20,
        "region=r1": 20,
    }
    assert found.segments["region=r0"].events == 20
    for name, cell in found.segments.items():
        own = [one for one in LABELS if f"region={one.segments['region']}" == name]
        plain = sum(one.label == "yes" for one in own) / len(own)
        assert cell.measures["accuracy"].value == pytest.approx(plain)


def test_costs_are_counted_by_what_was_taken_for_what() -> None:
    """Five for each that was passed as another, none the other way."""
    assert start(folded(LABELS, SUMMARIES)).whole.measures["cost"].value == pytest.approx(0.0)
    passed = [replace(one, probabilities={"no": 0.8, "yes": 0.2}) for one in LABELS]
    found = start(folded(passed, [summary_of(passed, 1)])).whole.measures["cost"]
    assert found.value == pytest.approx(5 * sum(one.label == "yes" for one in passed) / 40)


def test_what_is_held_out_counts_and_is_told_by_itself() -> None:
    """Among all events as any other label of its propensity, and alone with each counting once."""
    held_out = [label(number, "no" if number < 3 else "yes", 0.9, lane="holdout") for number in range(30)]
    others = [label(100 + number, "yes", 0.9, lane="uncertain") for number in range(30)]
    quality = start(folded([*held_out, *others], [summary_of([*held_out, *others], 0, others=60)]))
    assert quality.held_out.value == pytest.approx(0.9)
    # E. B. Wilson's interval of 27 in 30.
    assert (quality.held_out.low, quality.held_out.high) == pytest.approx((0.7438, 0.9654), abs=1e-4)
    assert (quality.whole.asked, quality.whole.answered) == (60, 60)
    alike = start(
        folded(
            [replace(one, lane="explore") for one in [*held_out, *others]],
            [summary_of([replace(one, lane="explore") for one in [*held_out, *others]], 0, others=60)],
        )
    )
    assert quality.whole.measures == alike.whole.measures
    assert math.isnan(alike.held_out.value)

"""Whether the stream is still what it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.learning.drift import MAJOR, DriftWatch, stability_index
from streamsel.learning.evaluation.sketches import FeatureSample
from streamsel.learning.evaluation.sums import DecidedEvents, Membership, summed
from streamsel.records import FeatureTable, Label, Lane, Summary
from tests.core.evaluated import NAMES, START, label


def summary(
    number: int,
    *,
    mean: float = 100.0,
    card: float = 0.5,
    said: tuple[float, float] = (2.0, 5.0),
    events: int = 400,
) -> Summary:
    """A minute's events: amounts about a mean, a share of cards, probabilities of "yes" from a beta
    distribution, the second half of the events of region b."""
    rng = np.random.default_rng(number)
    sample = FeatureSample()
    for _ in range(8):
        sample.add(
            FeatureTable.of(
                [
                    {
                        "amount": float(rng.normal(mean, 10.0)),
                        "card": "chip" if rng.random() < card else "none",
                    }
                    for _ in range(events // 8)
                ]
            )
        )
    yes = rng.beta(*said, events)
    decided = DecidedEvents(
        np.stack([1.0 - yes, yes], axis=1), np.zeros(events, np.int8), np.full(events, 0.1)
    )
    rows = np.arange(events)
    sums = summed(decided, 2, 3, Membership(rows, 1 + 2 * rows // events))
    at = START + 60.0 * number
    return Summary(
        f"p:{number}", at, at + 59.0, events, NAMES, ("", "region=a", "region=b"), sums, *sample.take()
    )


def told(watch: DriftWatch) -> list[tuple[str, str, str]]:
    return [(one.kind, one.what, one.segment) for one in watch.told]


def test_a_stream_that_stays_as_it_was_is_left_alone() -> None:
    """Fifty minutes of it; the indices are known and small."""
    watch = DriftWatch(NAMES)
    for number in range(50):
        watch.add_summary(summary(number))
    assert told(watch) == []
    assert set(watch.indices) == {
        ("inputs", "amount", ""), ("inputs", "card", ""), ("predictions", "", ""),
        ("predictions", "", "region=a"), ("predictions", "", "region=b"),
    }  # fmt: skip
    assert max(watch.indices.values()) < 0.1


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"mean": 112.0}, {("inputs", "amount", "")}),
        ({"card": 0.9}, {("inputs", "card", "")}),
        ({"said": (5.0, 2.0)}, {("predictions", "", name) for name in ("", "region=a", "region=b")}),
    ],
)
def test_a_change_is_told_once_where_it_is(
    change: dict[str, float], wanted: set[tuple[str, str, str]]
) -> None:
    """Soon after it came, with its time; what is new is the reference from then on."""
    watch = DriftWatch(NAMES)
    for number in range(40):
        watch.add_summary(summary(number, **(change if number >= 20 else {})))  # type: ignore[arg-type]
    assert set(told(watch)) == wanted
    # A block across the change may be told of as well as the one after it.
    assert len(watch.told) <= 2 * len(wanted)
    for drift in watch.told:
        assert START + 20 * 60.0 <= drift.at <= START + 30 * 60.0
        assert drift.value >= MAJOR


def labels(rates: list[tuple[int, float]], **changes: object) -> list[Label]:
    """So many labels after another, wrong at these rates."""
    rng = np.random.default_rng(1)
    wrong = np.concatenate([rng.random(count) < rate for count, rate in rates])
    return [
        replace(label(number, "no" if one else "yes", 0.9, at=START + number), **changes)  # type: ignore[arg-type]
        for number, one in enumerate(wrong)
    ]


def test_errors_that_rise_are_told() -> None:
    """Of the whole stream and of the segment they are in."""
    watch = DriftWatch(NAMES)
    for one in labels([(400, 0.05), (200, 0.4)], segments={"region": "a"}):
        watch.add_label(one)
    found = {(drift.kind, drift.what, drift.segment) for drift in watch.told}
    assert {segment for _, _, segment in found} == {"", "region=a"}
    assert {kind for kind, _, _ in found} == {"errors"}
    assert all(START + 400 <= drift.at < START + 600 and drift.value > 0.05 for drift in watch.told)


@pytest.mark.parametrize("rates", [[(2_000, 0.1)], [(2_000, 0.3)], [(500, 0.4), (500, 0.05)]])
def test_errors_that_stay_or_fall_are_left_alone(rates: list[tuple[int, float]]) -> None:
    """No alarm for a model that gets better."""
    watch = DriftWatch(NAMES)
    for one in labels(rates):
        watch.add_label(one)
    assert told(watch) == []


@pytest.mark.parametrize("lane", ["uncertain", "holdout"])
def test_only_explored_labels_tell_of_errors(lane: Lane) -> None:
    """Those chosen for being hard are wrong more often, whatever the stream does; and what is held out$
    decides nothing, be it an alarm."""
    watch = DriftWatch(NAMES)
    for one in [*labels([(400, 0.05)]), *labels([(400, 0.6)], lane=lane)]:
        watch.add_label(one)
    assert told(watch) == []


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=8))
def test_the_index_is_a_distance(bins: list[tuple[int, int]]) -> None:
    """Nothing between equals, the same both ways, and finite for empty bins."""
    one, other = (np.array(counts, dtype=float) + np.eye(len(bins))[0] for counts in zip(*bins, strict=True))
    assert stability_index(one, one) == pytest.approx(0.0)
    assert stability_index(one, 3 * one) == pytest.approx(0.0)
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))
    assert 0.0 <= stability_index(one, other) < 20.0

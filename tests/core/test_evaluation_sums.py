"""What is summed over all events, and what the features were like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import Unreadable
from streamsel.codec.summaries import decode_summary, encode_summary
from streamsel.learning.evaluation.sketches import LEAST_SAMPLED, OTHERS, FeatureSample
from streamsel.learning.evaluation.sums import (
    ASKED,
    BINS,
    Columns,
    DecidedEvents,
    Membership,
    summed,
)
from streamsel.records import FeatureTable, Summary


def events(count: int, labels: int, seed: int) -> DecidedEvents:
    """Random ones, some of them unpredicted or out of reach."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(labels), count)
    probabilities[rng.random(count) < 0.2] = np.nan
    propensities = np.where(rng.random(count) < 0.2, 0.0, 0.3)
    lanes = np.where(rng.random(count) < propensities, rng.integers(1, len(ASKED) + 1, count), 0)
    return DecidedEvents(probabilities, lanes.astype(np.int8), propensities)


@given(count=st.integers(0, 60), labels=st.integers(2, 4), seed=st.integers(0, 99))
def test_each_sum_is_what_counting_one_by_one_gives(count: int, labels: int, seed: int) -> None:
    """Over the events that were predicted and could have been asked about; the others are counted apart."""
    some = events(count, labels, seed)
    columns = Columns(labels)
    expected = np.zeros(columns.width)
    for said, lane, propensity in zip(some.probabilities, some.lanes, some.propensities, strict=True):
        if propensity == 0.0:
            expected[columns.unreached] += 1
        elif np.isnan(said).any():
            expected[columns.unpredicted] += 1
        else:
            expected[columns.expected][labels * said.argmax() : labels * (said.argmax() + 1)] += said
            expected[columns.entropy] -= (said * np.log(said)).sum()
            expected[columns.histogram][said.argmax() * BINS + int(said.max() * BINS)] += 1
            if lane:
                expected[columns.asked][lane - 1] += 1
    (whole,) = summed(some, labels, 1)
    assert whole == pytest.approx(expected)


def test_cells_sum_their_own_events() -> None:
    """Events of two cells are in both, and every event is in the whole."""
    some = events(40, 3, seed=5)
    rows = np.array([0, 3, 7, 7, 20], dtype=np.intp)
    cells = np.array([1, 1, 1, 2, 2], dtype=np.intp)
    sums = summed(some, 3, 3, Membership(rows, cells))
    for cell in (1, 2):
        own = rows[cells == cell]
        part = DecidedEvents(some.probabilities[own], some.lanes[own], some.propensities[own])
        assert sums[cell] == pytest.approx(summed(part, 3, 1)[0])
    assert sums[0] == pytest.approx(summed(some, 3, 1)[0])


def test_a_model_without_opinions_is_counted_as_that() -> None:
    """As it is before two labels are known."""
    nothing = DecidedEvents(np.zeros((5, 0)), np.zeros(5, np.int8), np.ones(5))
    (whole,) = summed(nothing, 2, 1)
    assert whole[Columns(2).unpredicted] == 5
    assert whole.sum() == 5


def test_features_of_many_values_are_told_by_quantiles_and_others_by_counts() -> None:
    """Numbers within the range of most events; values that few had are not told of by themselves."""
    rng = np.random.default_rng(3)
    sample = FeatureSample()
    for _ in range(6):
        sample.add(
            FeatureTable.of(
                [
                    {
                        "amount": float(rng.normal(100, 10)),
                        "card": "chip",
                        "name": f"n{rng.random()}",
                        "night": True,
                    }
                    for _ in range(200)
                ]
            )
        )
    sketch = sample.take()
    assert sketch.sampled == 300
    assert set(sketch.numbers) == {"amount"}
    assert sketch.numbers["amount"] == tuple(sorted(sketch.numbers["amount"]))
    assert sketch.numbers["amount"][9] == pytest.approx(100, abs=3)
    assert {name: sorted(counts.values()) for name, counts in sketch.categories.items()} == {
        "card": [0, 300],
        "name": [300],
        "night": [0, 300],
    }
    assert sketch.categories["name"] == {OTHERS: 300}
    assert "chip" not in str(sketch)


def test_too_few_events_are_not_told_of_until_there_are_more() -> None:
    """A sketch of a handful would be those events themselves."""
    sample = FeatureSample()
    table = FeatureTable.of([{"a": float(number)} for number in range(LEAST_SAMPLED - 1)])
    sample.add(table)
    assert sample.take().sampled == 0
    sample.add(FeatureTable.of([{"a": 1.0}]))
    assert sample.take().sampled == LEAST_SAMPLED
    assert sample.take().sampled == 0


def summary() -> Summary:
    """With something of everything."""
    sums = summed(events(40, 2, seed=1), 2, 2, Membership(np.array([1, 2]), np.array([1, 1])))
    return Summary(
        "p:3", 10.0, 20.5, 40, ("no", "yes"), ("", "region=é"), sums, 40, {"a": (1.0, 2.5)}, {"b": {"x": 40}}
    )


def test_a_summary_of_a_release_that_held_nothing_out_is_read() -> None:
    """Its rows lack the column of that lane."""
    made = summary()
    columns = Columns(len(made.labels))
    place = columns.asked.start + ASKED.index("holdout")
    content = orjson.loads(encode_summary(made))
    content["sums"] = np.delete(np.array(content["sums"]), place, axis=1).tolist()
    nothing_held_out = made.sums.copy()
    nothing_held_out[:, place] = 0.0
    assert decode_summary(orjson.dumps(content)).sums == pytest.approx(nothing_held_out, abs=1e-6)


def test_a_summary_is_read_as_it_was_written() -> None:
    """To six decimals."""
    written = summary()
    read = decode_summary(encode_summary(written))
    assert read.sums == pytest.approx(written.sums, abs=1e-6)
    same = np.zeros(0)
    assert repr(replace(read, sums=same)) == repr(replace(written, sums=same))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sums", [[1.0, 2.0]]),
        ("sums", "none"),
        ("cells", ["", 3]),
        ("events", "many"),
        ("numbers", {"a": ["x"]}),
        ("categories", {"b": {"x": "y"}}),
        ("kind", "label"),
    ],
)
def test_a_summary_that_cannot_be_read_is_told_by_its_field(field: str, value: object) -> None:
    """Whatever is in its place."""
    content = orjson.loads(encode_summary(summary())) | {field: value}
    with pytest.raises(Unreadable, match=field):
        decode_summary(orjson.dumps(content))

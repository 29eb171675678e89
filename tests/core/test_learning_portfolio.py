"""The portfolio: one model however it is reached, that goes by whoever predicts best."""

from __future__ import annotations

import pickle
import random
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning.portfolio.boosted import BoostedTrees
from streamsel.learning.portfolio.portfolio import (
    LARGEST_SPACING,
    LEAST_SPACING,
    Floats,
    Portfolio,
    spacing,
)
from streamsel.learning.portfolio.rows import MOST_COLUMNS, stacked
from streamsel.records import FeatureTable, Value
from tests.core.learning_strategies import mixed_event

LABELS = ("fine", "fraud", "review")
Event = tuple[dict[str, Value], str]


def mixed_events(count: int, seed: int = 1) -> list[Event]:
    draw = random.Random(seed)
    return [mixed_event(draw) for _ in range(count)]


def squares(count: int, seed: int = 1, *, turned: bool = False) -> list[Event]:
    """Two numbers whose signs must agree for fraud, or disagree: no line tells the two labels apart."""
    draw = random.Random(seed)
    points = [(draw.uniform(-1.0, 1.0), draw.uniform(-1.0, 1.0)) for _ in range(count)]
    return [({"a": a, "b": b}, "fraud" if (a * b > 0.0) != turned else "fine") for a, b in points]


def learned(
    events: Sequence[Event], labels: tuple[str, ...] = LABELS, text: str | None = "note"
) -> Portfolio:
    model = Portfolio(labels, text)
    for features, label in events:
        model.learn_one(features, label)
    return model


def learned_together(model: Portfolio, events: Sequence[Event]) -> list[dict[str, float]] | None:
    features, labels = [one[0] for one in events], [one[1] for one in events]
    return model.learn_each(features, labels, [True] * len(events))


def shares(model: Portfolio, events: Sequence[Event]) -> Floats:
    return model.probabilities(FeatureTable.of([features for features, _ in events]))


class TestOneModel:
    """To the last bit."""

    def test_the_same_labels_make_the_same_model(self) -> None:
        """In two instances."""
        events = mixed_events(240)
        one, other = learned(events), learned(events)
        assert (shares(one, mixed_events(50, 2)) == shares(other, mixed_events(50, 2))).all()

    def test_fits_made_ahead_in_a_thread_are_those_made_at_once(self) -> None:
        """And nobody's predictions change before the label is learned."""
        events, asked = mixed_events(240), mixed_events(50, 2)
        inline, threaded = learned(events), Portfolio(LABELS, "note")
        for features, label in events:
            if threaded.fit_due:
                before = shares(threaded, asked)
                fit = threading.Thread(target=threaded.fit_ahead, args=(features, label))
                fit.start()
                fit.join()
                np.testing.assert_array_equal(shares(threaded, asked), before)
            threaded.learn_one(features, label)
        assert (shares(inline, asked) == shares(threaded, asked)).all()

    def test_a_fit_made_for_another_label_is_not_used(self) -> None:
        """What was to be learned next turned out to be superseded."""
        events, asked = mixed_events(60), mixed_events(50, 2)
        expected, surprised = learned(events), learned(events[:-11])
        while not surprised.fit_due:
            surprised.learn_one(*events[surprised.learned])
        surprised.fit_ahead({"amount": 1.0}, "review")
        for features, label in events[surprised.learned :]:
            surprised.learn_one(features, label)
        assert (shares(expected, asked) == shares(surprised, asked)).all()

    def test_a_copy_goes_on_as_the_original_does(self) -> None:
        """Pickled between two fits, with members fitted and labels since."""
        events, asked = mixed_events(120), mixed_events(50, 2)
        model = learned(events[:95])
        copy = pickle.loads(pickle.dumps(model))  # noqa: S301
        assert (shares(model, asked) == shares(copy, asked)).all()
        for features, label in events[95:]:
            model.learn_one(features, label)
            copy.learn_one(features, label)
        assert (shares(model, asked) == shares(copy, asked)).all()

    @pytest.mark.parametrize("make", [mixed_events, squares])
    @given(cuts=st.sets(st.integers(1, 59)), seed=st.integers(0, 2**32))
    @settings(max_examples=3, deadline=None)
    def test_labels_learned_together_are_those_learned_one_by_one(
        self, make: Callable[[int, int], list[Event]], cuts: set[int], seed: int
    ) -> None:
        """Wherever fits, looks for changes and the ends of stretches lie; and so is what is said of each."""
        events, asked = make(60, seed), mixed_events(20, 2)
        single, together = Portfolio(LABELS, "note"), Portfolio(LABELS, "note")
        expected, found = [], []
        for features, label in events:
            expected.append(single.predict_proba_one(features))
            single.learn_one(features, label)
        for start, end in pairwise([0, *sorted(cuts), 60]):
            said = learned_together(together, events[start:end])
            assert said is not None
            found += said
        assert found == expected
        assert (shares(single, asked) == shares(together, asked)).all()

    def test_stretches_with_what_cannot_be_learned_are_not_begun(self) -> None:
        """Who learns one by one finds out which it is."""
        model = learned(squares(28), LABELS[:2], None)
        before = pickle.dumps(model)
        good, bad = {"a": 1.0}, {"a": float("nan")}
        assert model.learn_each([good, bad], ["fine", "fraud"], [True, True]) is None
        assert model.learn_each([good, good], ["fine", "review"], [True, True]) is None
        assert pickle.dumps(model) == before

    @pytest.mark.parametrize("make", [mixed_events, squares])
    def test_an_event_is_scored_alike_alone_and_among_others(
        self, make: Callable[[int], list[Event]]
    ) -> None:
        """Up to the order of additions."""
        model, asked = learned(make(150)), make(40)
        alone = [model.predict_proba_one(features) for features, _ in asked]
        among = model.predict_proba_many(features for features, _ in asked)
        for one, other in zip(alone, among, strict=True):
            assert one == pytest.approx(other, abs=1e-12)

    def test_no_events_have_no_predictions(self) -> None:
        """An empty micro-batch is one too."""
        assert learned(squares(30)).predict_proba_many([]) == []


class TestFits:
    @given(st.integers(0, 10**7))
    def test_are_spaced_by_a_tenth_of_the_labels_within_bounds(self, labels: int) -> None:
        """The rule, for which labels alone count."""
        assert spacing(labels) == min(max(labels // 10, LEAST_SPACING), LARGEST_SPACING)
        assert spacing(labels) <= spacing(labels + 1)

    def test_are_due_by_that_rule(self) -> None:
        """A label takes a fit when so many came since the last."""
        model, due = Portfolio(LABELS[:2]), []
        for features, label in squares(262):
            if model.fit_due:
                due.append(model.learned + 1)
            model.learn_one(features, label)
        expected = [LEAST_SPACING]
        while expected[-1] + spacing(expected[-1]) <= 262:
            expected.append(expected[-1] + spacing(expected[-1]))
        assert due == expected
        assert due[19:23] == [46, 50, 55, 60]

    def test_no_label_of_several_at_once_takes_one(self) -> None:
        """But that which is learned alone may: it can be fitted beforehand."""
        model, events = Portfolio(LABELS[:2]), squares(150)
        together = 0
        while model.learned + model.at_once <= 150:
            some, before = events[model.learned :][: model.at_once], model._fitted
            learned_together(model, some)
            assert len(some) == 1 or model._fitted is before
            together += len(some) > 1
        assert together > 20

    def test_see_the_last_labels_alone(self) -> None:
        """The shortest window's boosted trees are those of its rows, however many came before."""
        model = learned(squares(310), LABELS[:2], None)
        rows = list(model._window)[: model._fitted_at][-200:]
        labels = np.array([row.label for row in rows])
        matrix = stacked([row.row for row in rows])
        expected = BoostedTrees(matrix, labels, 2, model.seed).probabilities(matrix)
        fitted = model._fitted[0]
        assert fitted is not None
        np.testing.assert_array_equal(fitted.probabilities(matrix), expected)

    def test_soon_see_only_labels_since_the_stream_turned(self) -> None:
        """The members that heed changes; where nothing changes they see all labels."""
        model = learned([*squares(400), *squares(60, 2, turned=True)], LABELS[:2], None)
        assert abs(model._changed_at - 400) <= 10
        assert learned(squares(460), LABELS[:2], None)._changed_at == 0
        asked = squares(300, 3, turned=True)
        matrix = np.array([[features["a"], features["b"]] for features, _ in asked], dtype=np.float64)
        fraud = np.array([label == "fraud" for _, label in asked])
        for member in model._fitted[-2:]:
            assert member is not None
            told = member.probabilities(matrix)[:, 1] > 0.5
            assert (told == fraud).mean() > 0.8

    def test_are_as_good_as_new_soon_after_the_stream_turns(self) -> None:
        """Two hundred labels after everything was turned round."""
        model = learned([*squares(400), *squares(220, 2, turned=True)], LABELS[:2], None)
        asked = squares(300, 3, turned=True)
        told = shares(model, asked).argmax(axis=1) == [LABELS.index(label) for _, label in asked]
        assert told.mean() > 0.85


class TestWeights:
    def test_go_to_trees_and_kernels_where_no_line_tells_labels_apart(self) -> None:
        """Far above logistic regression and naive Bayes."""
        model = learned(squares(250), LABELS[:2], None)
        logistic, bayes, *refitted = model.weights.tolist()
        assert sum(refitted) > 5.0 * (logistic + bayes)
        assert model.weights.sum() == pytest.approx(1.0)

    def test_words_have_a_member_of_their_own(self) -> None:
        """Exactly where there is a text."""
        assert len(Portfolio(LABELS).weights) + 1 == len(Portfolio(LABELS, "note").weights)


class TestAnyStream:
    def test_features_that_come_later_count_from_then_on(self) -> None:
        """A number that decides alone, unknown to the first hundred labels."""
        draw = random.Random(1)
        model = Portfolio(LABELS[:2])
        for index in range(300):
            features = {"noise": draw.random(), "late": draw.gauss(0.0, 1.0)}
            if index < 100:
                del features["late"]
            model.learn_one(features, "fraud" if features.get("late", 0.0) > 0.0 else "fine")
        high, low = model.predict_proba_many([{"noise": 0.5, "late": 1.0}, {"noise": 0.5, "late": -1.0}])
        assert high["fraud"] > 0.9 > 0.1 > low["fraud"]

    def test_columns_are_bounded(self) -> None:
        """Of 500 numbers the first ones are columns; what decides may be the last, in the logistic alone."""
        draw = random.Random(1)
        model = Portfolio(LABELS[:2])
        names = [f"number {index:03}" for index in range(500)]
        for _ in range(120):
            features: dict[str, Value] = {name: draw.gauss(0.0, 1.0) for name in names}
            features["number 499"] = draw.choice((-9.0, 9.0))
            model.learn_one(features, "fraud" if features["number 499"] == 9.0 else "fine")
        assert len(model._encoder.columns) == MOST_COLUMNS
        assert model.predict_proba_one({"number 499": 9.0})["fraud"] > 0.5

    def test_a_category_a_label_costs_a_row_and_no_column(self) -> None:
        """Two thousand different ones, of which each keeps its evidence."""
        model = Portfolio(LABELS[:2])
        for index in range(2_000):
            model.learn_one({"terminal": f"t{index}"}, LABELS[index % 2])
        assert len(model._encoder.columns) == 1
        assert len(pickle.dumps(model)) < 5e6

    def test_a_single_class_is_all_there_is(self) -> None:
        """However many labels of it, fits included; the second class is then learned like any."""
        model, draw = Portfolio(LABELS[:2]), random.Random(1)
        for _ in range(60):
            model.learn_one({"a": draw.uniform(-1.0, 0.0)}, "fine")
        assert model.predict_proba_one({"a": 1.0}) == {"fine": 1.0}
        for _ in range(20):
            model.learn_one({"a": draw.uniform(0.0, 1.0)}, "fraud")
        assert model.predict_proba_one({"a": 0.5})["fraud"] > 0.8

    @pytest.mark.parametrize("wrong", [float("nan"), [1.0]])
    def test_what_cannot_be_learned_leaves_no_trace(self, wrong: float) -> None:
        """Neither a value of no kind nor an unknown label, whether a fit is due or not."""
        model = learned(squares(28), LABELS[:2], None)
        for features, label in squares(3, 2):
            before = pickle.dumps(model)
            with pytest.raises((ValueError, TypeError)):
                model.learn_one(features | {"a": wrong}, label)
            with pytest.raises(ValueError, match="'other' is not one of the labels"):
                model.learn_one(features, "other")
            assert pickle.dumps(model) == before
            model.learn_one(features, label)
        assert model._fitted_at == 30

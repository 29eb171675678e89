"""The scores of a backtest, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from streamsel.backtest.scores import WINDOW, score


def predictions(events: int, labels: int, seed: int, grain: int) -> tuple[np.ndarray, np.ndarray]:
    """Truths of which every label occurs, and probabilities with ties: multiples of 1 / grain."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate((np.arange(labels), rng.integers(labels, size=events)))
    weights = rng.integers(1, grain, size=(len(truth), labels)) + 2 * np.eye(labels)[truth]
    return truth, weights / weights.sum(axis=1, keepdims=True)


@given(st.integers(2, 300), st.integers(0, 10_000), st.integers(2, 20))
def test_two_labels_are_scored_as_scikit_learn_does(events: int, seed: int, grain: int) -> None:
    """The second label is the positive one."""
    truth, probabilities = predictions(events, 2, seed, grain)
    predicted, positive = probabilities.argmax(axis=1), probabilities[:, 1]
    scored = score(truth, probabilities)
    assert scored.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert scored.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
    assert scored.precision == pytest.approx(metrics.precision_score(truth, predicted, zero_division=0))
    assert scored.recall == pytest.approx(metrics.recall_score(truth, predicted))
    assert scored.f1 == pytest.approx(metrics.f1_score(truth, predicted))
    assert scored.roc_auc == pytest.approx(metrics.roc_auc_score(truth, positive))
    assert scored.average_precision == pytest.approx(metrics.average_precision_score(truth, positive))
    assert scored.log_loss == pytest.approx(metrics.log_loss(truth, probabilities))


@given(st.integers(2, 300), st.integers(3, 6), st.integers(0, 10_000), st.integers(2, 20))
def test_more_labels_are_scored_as_scikit_learn_does(events: int, labels: int, seed: int, grain: int) -> None:
    """Each against the rest, and the mean of them."""
    truth, probabilities = predictions(events, labels, seed, grain)
    predicted, told_apart = probabilities.argmax(axis=1), np.eye(labels)[truth]
    scored = score(truth, probabilities)
    macro = {"average": "macro", "zero_division": 0}
    assert scored.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
    assert scored.precision == pytest.approx(metrics.precision_score(truth, predicted, **macro))
    assert scored.recall == pytest.approx(metrics.recall_score(truth, predicted, **macro))
    assert scored.f1 == pytest.approx(metrics.f1_score(truth, predicted, **macro))
    assert scored.roc_auc == pytest.approx(metrics.roc_auc_score(truth, probabilities, multi_class="ovr"))
    assert scored.average_precision == pytest.approx(
        metrics.average_precision_score(told_apart, probabilities)
    )


def test_an_event_nothing_was_known_for_counts_as_the_first_label() -> None:
    """Rows of NaN are even predictions, in ranks as well."""
    truth = np.array([0, 1, 0, 1])
    unknown = np.full((4, 2), np.nan)
    scored = score(truth, unknown)
    assert scored.accuracy == 0.5
    assert scored.recall == 0.0
    assert scored.roc_auc == 0.5
    assert scored.log_loss == pytest.approx(np.log(2))


def test_a_label_that_does_not_occur_is_not_held_against_the_predictions() -> None:
    """A round of a stream may hold no event of a rare label."""
    scored = score(np.array([0, 0, 2]), np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.2, 0.7]]))
    assert scored.balanced_accuracy == scored.f1 == scored.roc_auc == scored.average_precision == 1.0


def test_events_of_one_label_have_no_roc_auc() -> None:
    """There is nothing to tell apart; the rest is measured all the same."""
    scored = score(np.zeros(3, dtype=np.int64), np.tile([0.9, 0.1], (3, 1)))
    assert np.isnan(scored.roc_auc)
    assert np.isnan(scored.average_precision)
    assert scored.accuracy == 1.0


def test_no_events_have_no_scores() -> None:
    """NaN, not an exception: a segment may be empty in a round."""
    assert np.isnan(score(np.zeros(0, dtype=np.int64), np.zeros((0, 2))).accuracy)


def test_a_drifting_scale_does_not_count_within_windows() -> None:
    """Perfectly ranked in each window, though the probabilities of one lie above the other's."""
    truth = np.tile([0, 1], WINDOW)
    positive = np.where(np.arange(2 * WINDOW) < WINDOW, 0.1, 0.6) + 0.2 * truth
    scored = score(truth, np.column_stack((1 - positive, positive)))
    assert scored.windowed_roc_auc == 1.0
    assert scored.roc_auc == pytest.approx(0.75)

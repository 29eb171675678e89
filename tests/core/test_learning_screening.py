"""Two stages of scoring: what the slow members are spared, and that nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from streamsel.learning.fold import Fold
from streamsel.learning.portfolio import Portfolio
from streamsel.learning.scorer import MixtureScorer
from streamsel.learning.screening import ScreenedScorer
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import FeatureTable

LABELS = ("no", "yes")
ONLINE = 2
"""Logistic and naive Bayes; all others are refitted."""


def table(events: int, seed: int = 2) -> FeatureTable:
    points = np.random.default_rng(seed).normal(size=(events, 2))
    return FeatureTable(("a", "b"), [tuple(row) for row in points.tolist()], points)


@pytest.fixture(scope="module")
def portfolio() -> Portfolio:
    """Has learned 300 labels that follow from a circle."""
    model = Portfolio(LABELS)
    events = table(300, seed=1)
    for row in range(300):
        features = events.row(row)
        model.learn_one(features, LABELS[float(features["a"]) ** 2 + float(features["b"]) ** 2 > 1.4])  # type: ignore[arg-type]
    return model


def test_slow_members_score_only_what_the_quick_ones_are_least_sure_of(portfolio: Portfolio) -> None:
    """A tenth of the micro-batch, by the entropy of their mixture. The quick ones, which score all of it, are
    those that learn online and, but for the slowest, the refitted one of most weight."""
    events = table(200)
    opinions = ScreenedScorer(portfolio, 0.1).opinions(events)
    assert opinions.members is not None
    by_all = ~np.isnan(opinions.members).any(axis=(0, 2))
    assert by_all.sum() == 20
    heaviest = ONLINE + int(np.argmax(portfolio.weights[ONLINE:-1]))
    assert not np.isnan(opinions.members[[*range(ONLINE), heaviest]]).any()
    quick = portfolio.hedge.mix(portfolio.quick_members(events))
    assert np.abs(quick[by_all, 0] - 0.5).max() <= np.abs(quick[~by_all, 0] - 0.5).min()
    np.testing.assert_array_equal(opinions.probabilities[~by_all], quick[~by_all])


def test_what_all_members_score_is_scored_as_without_screening(portfolio: Portfolio) -> None:
    """To the last bit."""
    events = table(200)
    whole = MixtureScorer(portfolio).opinions(events)
    screened = ScreenedScorer(portfolio, 0.1).opinions(events)
    assert whole.members is not None
    assert screened.members is not None
    by_all = ~np.isnan(screened.members).any(axis=(0, 2))
    np.testing.assert_array_equal(screened.probabilities[by_all], whole.probabilities[by_all])


@pytest.mark.parametrize(("events", "scored"), [(1, 1), (3, 1), (25, 3), (0, 0)])
def test_in_the_smallest_micro_batch_something_is_scored_by_all(
    portfolio: Portfolio, events: int, scored: int
) -> None:
    """The share is rounded up."""
    opinions = ScreenedScorer(portfolio, 0.1).opinions(table(events))
    assert opinions.members is not None
    assert (~np.isnan(opinions.members).any(axis=(0, 2))).sum() == scored
    assert np.isfinite(opinions.probabilities).all()


def test_before_two_labels_nothing_is_known_either_way() -> None:
    """A committee without an opinion, as without screening."""
    model = Portfolio(LABELS)
    model.learn_one({"a": 1.0, "b": 2.0}, "no")
    screened, whole = (
        scorer.opinions(table(5)) for scorer in (ScreenedScorer(model, 0.1), MixtureScorer(model))
    )
    assert screened.probabilities.shape == whole.probabilities.shape == (5, 0)
    assert screened.members is not None
    assert np.isnan(screened.members).all()


@pytest.mark.parametrize(("preset", "screen"), [("portfolio", 1.0), ("logistic", 0.1), ("forest", 0.1)])
def test_without_a_share_or_slow_members_there_is_no_screening(preset: str, screen: float) -> None:
    """Any model may be configured with a share; only a mixture's slow members are spared anything."""
    serving = ServingModel(Fold(ModelSpec(LABELS, preset)), screen)
    assert not isinstance(serving._scorer, ScreenedScorer)
    assert isinstance(ServingModel(Fold(ModelSpec(LABELS, "portfolio")), 0.1)._scorer, ScreenedScorer)

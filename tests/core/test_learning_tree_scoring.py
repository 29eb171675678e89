"""A micro-batch scored by a whole tree at once."""

import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from river.tree.nodes.branch import DTBranch

from streamsel.learning.presets import Classifier, build
from streamsel.learning.scorer import EventScorer, scorer_of
from streamsel.learning.spec import ModelSpec
from streamsel.learning.trees import EncodedTrees
from streamsel.records import Features, FeatureTable, Value
from tests.core.learning_strategies import NAMES, mixed_event, rows, table_of

LABELS = ("fine", "fraud", "review")
SLACK = 1e-9
"""Squares and exponentials may differ in the last bit; likelihoods are sums of a few hundred at most."""


def both_ways(model: Classifier, table: FeatureTable) -> None:
    """Asserts that the whole tree says what River says of one event after the other."""
    expected = EventScorer(model, LABELS).opinions(table).probabilities
    found = scorer_of(model, LABELS).opinions(table).probabilities
    np.testing.assert_allclose(found, expected, rtol=0.0, atol=SLACK)


def drawn(draw: random.Random, flipped: bool = False, missing: float = 0.0) -> tuple[Features, str]:
    """Six numbers, of which two decide, each missing as often as told."""
    values = {f"number {index}": draw.gauss(0.0, 3.0) for index in range(6)}
    above = (values["number 0"] > 0.0) ^ (values["number 1"] > 1.0) ^ flipped
    label = "review" if values["number 2"] > 5.0 else LABELS[above]
    return {name: value for name, value in values.items() if draw.random() >= missing}, label


@pytest.fixture(scope="module")
def grown() -> EncodedTrees:
    """A tree with alternate trees beside all its branches: what decides has just changed again."""
    draw, model = random.Random(3), build(ModelSpec(LABELS, "tree"))
    for number in range(2_250):
        model.learn_one(*drawn(draw, number // 700 % 2 == 1))
    assert isinstance(model, EncodedTrees)
    branches = [node for node in model.estimator._root.iter_dfs() if isinstance(node, DTBranch)]
    assert len(branches) > 4
    assert all(branch._alternate_tree for branch in branches)
    return model


class TestTreeScorer:
    def test_scores_numbers_as_river_does_in_every_branch(self, grown: EncodedTrees) -> None:
        """In micro-batches of one event and of many."""
        draw = random.Random(4)
        events = [drawn(draw)[0] for _ in range(300)]
        both_ways(grown, FeatureTable.of(events))
        for event in events[:20]:
            both_ways(grown, FeatureTable.of([event]))

    def test_sends_what_is_missing_the_way_river_does(self, grown: EncodedTrees) -> None:
        """The way most have gone, and past the alternate tree of the branch they come to."""
        draw = random.Random(5)
        both_ways(grown, FeatureTable.of([drawn(draw, missing=0.5)[0] for _ in range(300)]))
        both_ways(grown, FeatureTable.of([{"another": 1.0}, {"another": 2.0}]))

    def test_scores_categories_and_words_as_river_does(self) -> None:
        """By their evidence, also of those never seen."""
        draw = random.Random(3)
        model = build(ModelSpec(LABELS, "tree", text="note"))
        for _ in range(600):
            model.learn_one(*mixed_event(draw))
        events: list[dict[str, Value]] = [mixed_event(draw)[0] for _ in range(200)]
        events += [{**events[0], "country": "XX", "note": ""}, {"age": "unknown"}]
        both_ways(model, FeatureTable.of(events))

    @settings(max_examples=60, deadline=None)
    @given(
        learned=st.lists(st.tuples(rows, st.integers(0, 2)), max_size=40),
        asked=st.lists(rows, min_size=1, max_size=5),
    )
    @example(learned=[], asked=[(None,) * len(NAMES)])
    def test_scores_any_mix_of_features_as_river_does(
        self, learned: list[tuple[tuple[Value, ...], int]], asked: list[tuple[Value, ...]]
    ) -> None:
        """Missing, constant, mistyped, new or huge, whatever was learned."""
        model = build(ModelSpec(LABELS, "tree", text="note"))
        for row, index in learned:
            features = {name: value for name, value in zip(NAMES, row, strict=True) if value is not None}
            model.learn_one(features, LABELS[index])
        both_ways(model, table_of(asked))

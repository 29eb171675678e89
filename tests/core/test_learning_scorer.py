"""Scoring a micro-batch with any model, and exchanging the model that serves."""

import random
from collections.abc import Mapping

import numpy as np

from streamsel.learning.fold import Fold
from streamsel.learning.presets import build
from streamsel.learning.scorer import EventScorer, scorer_of
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import FeatureTable, Value
from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.acquisition.uncertainty import entropy
from streamsel.selection.candidates import Candidates
from tests.core.learning_strategies import label_record, mixed_event, table_of

LABELS = ("fine", "fraud", "review")
LETTERS = table_of([("a",), ("b",), ("c",), ("d",)], ("letter",))


class Scripted:
    """An estimator of someone's own: says what it was told to of each letter, and raises where told to."""

    def __init__(self, script: dict[str, dict[str, float] | Exception]) -> None:
        self._script = script

    def learn_one(self, x: object, y: str) -> None:
        del x, y

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[str, float]:
        answer = self._script.get(str(x["letter"]), {})
        if isinstance(answer, Exception):
            raise answer
        return answer


class TestEventScorer:
    def test_gives_a_presets_predictions_in_the_specs_order(self) -> None:
        """Row by row what ``predict_proba_one`` says."""
        draw = random.Random(4)
        model = build(ModelSpec(LABELS, "tree", text="note"))
        events = [mixed_event(draw) for _ in range(60)]
        for features, label in events:
            model.learn_one(features, label)
        for features, _ in events[:10]:
            table = FeatureTable(tuple(features), [tuple(features.values())])
            predicted = model.predict_proba_one(features)
            shares = [predicted[label] for label in LABELS]
            scored = scorer_of(model, LABELS).opinions(table).probabilities
            np.testing.assert_allclose(scored, [shares], atol=1e-12)

    def test_has_no_columns_while_no_row_has_two_labels(self) -> None:
        """Nothing learned, or one label alone."""
        scorer = EventScorer(Scripted({"a": {"fine": 1.0}}), LABELS)
        assert scorer.opinions(LETTERS).probabilities.shape == (4, 0)

    def test_a_row_without_a_sound_opinion_is_nan_and_worth_asking_about(self) -> None:
        """One label alone, an error, a negative share or no share at all: utility 1; the rest unharmed."""
        script: dict[str, dict[str, float] | Exception] = {
            "a": {"fine": 3.0, "fraud": 1.0},
            "b": ValueError("no such letter"),
            "c": {"fine": 0.0, "fraud": 0.0},
            "d": {"fine": 1.5, "fraud": -0.5},
        }
        scorer = EventScorer(Scripted(script), LABELS)
        probabilities = scorer.opinions(LETTERS).probabilities
        assert probabilities[0].tolist() == [0.75, 0.25, 0.0]
        assert np.isnan(probabilities[1:]).all()
        assert entropy(Candidates(probabilities))[1:].tolist() == [1.0, 1.0, 1.0]
        assert (scorer.errors, scorer.last_error) == (1, "ValueError: no such letter")


class TestMixtureScorer:
    def test_is_a_committee_before_it_has_learned(self) -> None:
        """Members without an opinion yet, to whom every event is useful."""
        opinions = scorer_of(build(ModelSpec(LABELS, "portfolio")), LABELS).opinions(LETTERS)
        assert opinions.members is not None
        assert opinions.members.shape[1:] == (4, len(LABELS))
        assert np.isnan(opinions.members).all()
        batch = Candidates(opinions.probabilities, opinions.members, opinions.weights)
        assert ACQUISITIONS["committee_vote"].function(batch).tolist() == [1.0] * 4


class TestServingModel:
    def test_follows_its_fold_and_is_handed_over_in_one_step(self) -> None:
        """Version, predictions and digest are always the same fold's."""
        old, new = Fold(ModelSpec(LABELS)), Fold(ModelSpec(LABELS))
        serving = ServingModel(old)
        table = table_of([(1.0,)], ("x",))
        for fold, labels in ((old, LABELS[:2]), (new, LABELS)):
            for offset, label in enumerate(labels):
                fold.apply(offset, label_record(label, label=label, features={"x": float(offset)}))
        assert serving.version == 2
        before = serving.probabilities(table)
        assert serving.digest() == old.digest()
        serving.serve(new)
        assert serving.version == 3
        assert serving.digest() == new.digest() != old.digest()
        assert not np.array_equal(serving.probabilities(table), before)
        assert serving.labels == LABELS

    def test_keeps_count_of_events_its_models_failed_on(self) -> None:
        """Across models."""
        fold = Fold(ModelSpec(LABELS, factory=f"{__name__}:failing"))
        serving = ServingModel(fold)
        serving.probabilities(LETTERS)
        serving.serve(Fold(fold.spec))
        serving.probabilities(LETTERS)
        assert serving.prediction_errors == 8
        assert serving.last_error == "ValueError: never"


def failing(labels: tuple[str, ...], seed: int) -> Scripted:
    """A factory of an estimator that can't predict."""
    del labels, seed
    return Scripted(dict.fromkeys("abcd", ValueError("never")))

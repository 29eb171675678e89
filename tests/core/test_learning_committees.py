"""Committees: a forest's trees, a mixture's members, bagged copies of any model."""

from __future__ import annotations

import math
import pickle
import random
from collections import Counter

import numpy as np
import pytest

from streamsel.config import Config
from streamsel.learning.copies import BaggedCopies
from streamsel.learning.presets import Classifier, build
from streamsel.learning.scorer import Opinions, has_members, scorer_of
from streamsel.learning.spec import COMMITTEES, PRESETS, ModelSpec
from streamsel.records import FeatureTable, Value
from streamsel.selection.acquisition.committee import committee_kl
from streamsel.selection.candidates import Candidates
from streamsel.wiring import model_spec
from tests.core.learning_strategies import mixed_event

LABELS = ("fine", "fraud", "review")
COPIES = [ModelSpec(LABELS, preset, text="note", copies=4) for preset in PRESETS if preset not in COMMITTEES]
SPECS = [*(ModelSpec(LABELS, preset, text="note") for preset in COMMITTEES), *COPIES]
committees = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.preset} {spec.copies}")


class Counting:
    """A model of someone's own that knows how often it learned each event."""

    def __init__(self, labels: tuple[str, ...], seed: int) -> None:
        del labels
        self.seed = seed
        self.times: Counter[tuple[Value, str]] = Counter()

    def learn_one(self, x: dict[str, Value], y: str) -> None:
        if "bad" in x:
            raise ValueError("bad")
        self.times[x["number"], y] += 1

    def predict_proba_one(self, x: dict[str, Value]) -> dict[str, float]:
        if "bad" in x:
            raise ValueError("bad")
        return dict.fromkeys((label for _, label in self.times), 0.5)


def learned(spec: ModelSpec, count: int = 150) -> Classifier:
    model, draw = build(spec), random.Random(1)
    for _ in range(count):
        model.learn_one(*mixed_event(draw))
    return model


def events(count: int = 30) -> list[dict[str, Value]]:
    draw = random.Random(2)
    return [mixed_event(draw)[0] for _ in range(count)]


def opinions(model: Classifier, count: int = 30) -> Opinions:
    return scorer_of(model, LABELS).opinions(FeatureTable.of(events(count)))


class TestEveryCommittee:
    @committees
    def test_has_opinions_that_differ(self, spec: ModelSpec) -> None:
        """Each a distribution, with weights that sum to 1: disagreement is there to ask about."""
        model = learned(spec)
        said = opinions(model)
        assert has_members(model)
        assert said.members is not None
        assert said.weights is not None
        assert said.weights.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(said.members.sum(axis=2), 1.0)
        utilities = committee_kl(Candidates(said.probabilities, said.members, said.weights))
        assert 0.0 < utilities.max() < 1.0

    @committees
    def test_says_in_a_micro_batch_what_it_says_event_by_event(self, spec: ModelSpec) -> None:
        """The consensus is the model's own prediction."""
        model = learned(spec)
        alone = [list(model.predict_proba_one(features).values()) for features in events()]
        np.testing.assert_allclose(opinions(model).probabilities, alone, atol=1e-12)

    @committees
    def test_is_one_from_the_first_event_on(self, spec: ModelSpec) -> None:
        """Its members have no opinion yet, neither before the first label nor of one label alone."""
        model = build(spec)
        for _ in range(2):
            said = opinions(model, 3)
            assert said.probabilities.shape == (3, 0)
            assert said.members is not None
            assert said.members.shape[1:] == (3, 3)
            assert np.isnan(said.members).all()
            for features in events(5):
                model.learn_one(features, "fine")

    @committees
    def test_an_event_it_cannot_score_costs_no_other(self, spec: ModelSpec) -> None:
        """A number that is none, in the second row."""
        model, asked = learned(spec), events(3)
        asked[1]["amount"] = math.nan
        found = scorer_of(model, LABELS).opinions(FeatureTable.of(asked))
        np.testing.assert_allclose(found.probabilities[[0, 2]], opinions(model, 3).probabilities[[0, 2]])


@pytest.mark.parametrize("preset", ["logistic", "tree"])
def test_a_single_model_has_no_members(preset: str) -> None:
    """Nobody to disagree with."""
    model = learned(ModelSpec(LABELS, preset))
    assert not has_members(model)
    assert opinions(model).members is None


@pytest.mark.parametrize("spec", [SPECS[0], *COPIES], ids=lambda spec: spec.preset)
def test_members_of_a_forest_and_copies_count_alike(spec: ModelSpec) -> None:
    """The consensus is their mean."""
    said = opinions(learned(spec))
    assert said.members is not None
    np.testing.assert_allclose(said.members.mean(axis=0), said.probabilities, atol=1e-12)


class TestBaggedCopies:
    def spec(self, copies: int = 5, seed: int = 1) -> ModelSpec:
        return ModelSpec(LABELS, factory=f"{__name__}:Counting", copies=copies, seed=seed)

    def bagged(self, count: int, copies: int = 5, seed: int = 1) -> BaggedCopies:
        model = build(self.spec(copies, seed))
        for number in range(count):
            model.learn_one({"number": number}, LABELS[number % 3])
        assert isinstance(model, BaggedCopies)
        return model

    def times(self, model: BaggedCopies) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """(copies, labels learned)"""
        keys = [(number, LABELS[number % 3]) for number in range(model.learned)]
        return np.array([[copy.times[key] for key in keys] for copy in model.copies])  # type: ignore[attr-defined]

    def test_learn_each_label_poisson_many_times(self) -> None:
        """On average once, as often not at all as once, and independently of each other."""
        times = self.times(self.bagged(4_000))
        assert times.mean() == pytest.approx(1.0, abs=0.03)
        for number, share in enumerate((0.368, 0.368, 0.184, 0.061)):
            assert (times == number).mean() == pytest.approx(share, abs=0.015)
        correlations = np.asarray(np.corrcoef(times))[~np.eye(5, dtype=bool)]
        assert abs(correlations).max() < 0.06

    def test_waste_no_label(self) -> None:
        """Of two copies, both pass over every seventh: one of them then learns it, in turn."""
        times = self.times(self.bagged(1_000, copies=2))
        assert times.sum(axis=0).min() == 1
        assert abs(times[0].mean() - times[1].mean()) < 0.1

    def test_draws_follow_from_seed_and_place(self) -> None:
        """Every replica has the same, and so has a copy that goes on elsewhere."""
        one = self.bagged(100)
        moved = pickle.loads(pickle.dumps(self.bagged(50)))  # noqa: S301
        for number in range(50, 100):
            moved.learn_one({"number": number}, LABELS[number % 3])
        assert (self.times(one) == self.times(moved)).all()
        assert (self.times(one) != self.times(self.bagged(100, seed=2))).any()

    def test_differ_in_their_seeds(self) -> None:
        """So that copies of a forest grow different trees."""
        assert [copy.seed for copy in self.bagged(0, seed=7).copies] == [7, 8, 9, 10, 11]  # type: ignore[attr-defined]

    def test_are_unchanged_by_what_cannot_be_learned(self) -> None:
        """An unknown label, or a value no copy takes."""
        model = self.bagged(20)
        before = pickle.dumps(model)
        with pytest.raises(ValueError, match="'other' is not one of the labels"):
            model.learn_one({"number": 1}, "other")
        for _ in range(3):
            with pytest.raises(ValueError, match="bad"):
                model.learn_one({"bad": 1}, "fine")
        assert pickle.dumps(model) == before

    def test_an_event_that_copies_fail_on_is_counted_once(self) -> None:
        """Not once a copy; it has no opinion, and the others keep theirs."""
        scorer = scorer_of(self.bagged(20), LABELS)
        said = scorer.opinions(FeatureTable(("bad", "number"), [(None, 1), (1, 1)]))
        assert np.isnan(said.probabilities[1]).all()
        np.testing.assert_allclose(said.probabilities[0], 1.0 / 3.0)
        assert (scorer.errors, scorer.last_error) == (1, "ValueError: bad")

    def test_copies_that_know_one_label_alone_are_left_out(self) -> None:
        """They tell nothing apart yet."""
        model = self.bagged(0, copies=2)
        one, other = model.copies
        one.learn_one({"number": 1}, "fine")
        other.learn_one({"number": 1}, "fraud")
        assert model.predict_proba_one({"number": 1}) == {"fine": 0.5}
        other.learn_one({"number": 2}, "review")
        expected = {"fine": 0.0, "fraud": 0.5, "review": 0.5}
        assert model.predict_proba_one({"number": 1}) == expected
        said = scorer_of(model, LABELS).opinions(FeatureTable(("number",), [(1,)]))
        assert said.probabilities[0].tolist() == list(expected.values())


def test_copies_are_configured() -> None:
    """What the configuration says is what every replica's model starts from."""
    config = Config.model_validate({"model": {"preset": "tree", "copies": 3}})
    assert model_spec(config).copies == 3
    assert has_members(build(model_spec(config)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"copies": 1}, "copies must be 0 or from 2 to 10, not 1"),
        ({"copies": 11}, "copies must be 0 or from 2 to 10, not 11"),
        ({"copies": 2, "preset": "forest"}, "preset 'forest' is a committee already"),
    ],
)
def test_copies_that_make_no_sense_are_refused(wrong: dict[str, object], said: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=said):
        ModelSpec(LABELS, **wrong)  # type: ignore[arg-type]

"""The sampler for River's users: decides, learns, and is an estimator like any other."""

from __future__ import annotations

import math
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from river import base, checks, datasets, ensemble, forest, linear_model, naive_bayes, preprocessing, tree

from streamsel.learning.portfolio import Portfolio
from streamsel.learning.text import TextMixture
from streamsel.selection import ConstraintSettings, Sampler
from streamsel.selection.acquisition import AcquisitionRefused
from streamsel.selection.rules import Comparison, Rule
from tests.core.sampled_streams import BUDGET, Mute, sampled, scaled_logistic

README = Path(__file__).parents[2] / "README.md"


class Stubborn(Mute):
    """Is certain of one class."""

    def predict_proba_one(self, x: Any) -> dict[Any, float]:
        """Always the same."""
        del x
        return {"fine": 1.0}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sampler(**next(Sampler._unit_test_params())),
        lambda: Sampler(scaled_logistic(), seed=3),
        lambda: Sampler(tree.HoeffdingTreeClassifier(), strategy="expected_error"),
        lambda: Sampler(
            ensemble.BaggingClassifier(naive_bayes.GaussianNB(), 3, seed=1), strategy="committee_kl"
        ),
    ],
    ids=["logistic", "pipeline", "tree", "bagging"],
)
def test_follows_rivers_conventions(make: Callable[[], Sampler]) -> None:
    """All of River's own checks: parameters, clones, representation, pickles, purity, bounded memory."""
    checks.check_estimator(make())


def test_the_readmes_example_is_ten_lines_that_work() -> None:
    """On a real stream, labels for a fifth of the events make a good classifier."""
    section = README.read_text().split("## Library")[1].split("\n## ")[0]
    example = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) <= 10
    found: dict[str, Any] = {}
    exec(example, found)  # noqa: S102 - our own
    assert found["accuracy"].get() > 0.85
    assert found["accuracy"].cm.n_samples == 1250


def test_importing_the_package_brings_no_server_and_no_river() -> None:
    """River comes with the first use of the sampler, and servers' clients never do."""
    program = (
        "import sys, streamsel.selection\n"
        "loaded = lambda: {'river', 'aiokafka', 'redis', 'fastapi', 'pydantic'} & set(sys.modules)\n"
        "assert not loaded(), loaded()\n"
        "from streamsel.selection import Sampler\n"
        "assert loaded() == {'river'}, loaded()\n"
        "try: streamsel.selection.Sampller\n"
        "except AttributeError as error: assert 'Sampller' in str(error)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize("strategy", ["hybrid", "entropy", "random"])
def test_asks_about_the_budgets_share(strategy: str) -> None:
    """Within 2 % of the events, each decision with its probability."""
    sampler = Sampler(scaled_logistic(), budget=BUDGET, strategy=strategy)
    choices = sampled(sampler, iter(datasets.Phishing()))
    assert sum(choice.ask for choice in choices) == pytest.approx(BUDGET * len(choices), abs=25)
    assert sum(choice.propensity for choice in choices) == pytest.approx(BUDGET * len(choices), abs=50)
    assert all(choice.propensity > 0.0 for choice in choices)
    assert {choice.lane for choice in choices} <= {"none", "uncertain", "explore"}
    assert all(choice.ask == (choice.lane != "none") for choice in choices)


def test_what_is_held_out_is_asked_about_and_not_learned() -> None:
    """Its share of the events, within the budget; classifier and experience stay as they were."""
    sampler = Sampler(scaled_logistic(), budget=BUDGET, holdout=BUDGET / 4)
    events = list(datasets.Phishing())
    choices = sampler.decide_many([x for x, _ in events])
    assert sum(choice.ask for choice in choices) == pytest.approx(BUDGET * len(choices), abs=25)
    held_out = [number for number, choice in enumerate(choices) if choice.lane == "holdout"]
    assert len(held_out) == pytest.approx(BUDGET / 4 * len(choices), rel=0.5)
    sampler.learn_one(*events[0])
    before = pickle.dumps(sampler)
    for number in held_out:
        x, y = events[number]
        sampler.learn_one(x, y, choices[number])
    assert pickle.dumps(sampler) == before
    with pytest.raises(ValueError, match="holdout must be in"):
        Sampler(scaled_logistic(), budget=0.1, holdout=0.2)


@pytest.mark.parametrize("classifier", [Mute(), Stubborn()], ids=["mute", "stubborn"])
@pytest.mark.parametrize("strategy", ["hybrid", "entropy", "margin"])
def test_a_learner_that_tells_nothing_apart_still_asks(classifier: base.Classifier, strategy: str) -> None:
    """What is not known is worth asking about."""
    sampler = Sampler(classifier, budget=BUDGET, strategy=strategy)
    choices = sampled(sampler, ((x, "fraud" if y else "fine") for x, y in datasets.Phishing().take(600)))
    assert sum(choice.ask for choice in choices) > 0.15 * len(choices)
    assert all(choice.probabilities == {} for choice in choices)


def test_labels_are_discovered_as_they_come() -> None:
    """Of any kind, a third after hundreds of events; each then has its probability."""
    sampler = Sampler(naive_bayes.GaussianNB(), budget=0.5)
    first = ((x, "ab"[y]) for x, y in datasets.Phishing().take(400))
    assert set(sampled(sampler, first)[-1].probabilities) == {"a", "b"}
    third = ((x, 3) for x, _ in datasets.Phishing().take(100))
    last = sampled(sampler, third)[-1]
    assert set(last.probabilities) == {"a", "b", 3}
    assert sum(last.probabilities.values()) == pytest.approx(1.0)
    assert sampler.experience.counts[2] > 20


def test_a_delayed_label_is_judged_by_what_was_predicted() -> None:
    """The choice carries the prediction; what the classifier has learned meanwhile does not count."""
    sampler = Sampler(naive_bayes.GaussianNB(), budget=1.0, explore=1.0)
    x = {"a": 1.0}
    early = sampler.decide_one(x)
    for value, label in ((1.0, "fraud"), (2.0, "fine"), (1.1, "fraud"), (2.1, "fine")):
        sampler.learn_one({"a": value}, label)
    late = sampler.decide_one(x)
    assert early.lane == late.lane == "explore"
    assert math.isnan(sampler.experience.explored_loss)
    in_time, delayed = pickle.loads(pickle.dumps(sampler)), sampler  # noqa: S301 - our own
    in_time.learn_one(x, "fraud", late)
    delayed.learn_one(x, "fraud", early)
    assert in_time.experience.explored_loss == pytest.approx(-math.log(late.probabilities["fraud"]))
    assert delayed.experience.explored_loss == pytest.approx(math.log(2.0))
    assert in_time.experience.counts == delayed.experience.counts == (3, 2)


def test_pending_queries_count_as_asked() -> None:
    """Copies of one event are worth less and less although no label has come."""
    sampler = Sampler(scaled_logistic(), budget=1.0, strategy="coreset")
    first, second = sampler.decide_one({"a": 1.0, "b": 5.0}), sampler.decide_one({"a": 1.0, "b": 5.0})
    assert first.ask
    assert second.utility < first.utility


def test_a_pickled_sampler_goes_on_as_it_would_have() -> None:
    """Decisions after a restart are those without it."""
    events = [*datasets.Phishing().take(400)]
    sampler = Sampler(scaled_logistic(), seed=5)
    sampled(sampler, iter(events[:200]))
    restored = pickle.loads(pickle.dumps(sampler))  # noqa: S301 - our own
    assert sampled(restored, iter(events[200:])) == sampled(sampler, iter(events[200:]))


def test_an_events_draws_follow_from_its_id() -> None:
    """Two samplers explore the same events when ids and seeds are the same, and others when not."""
    events = [x for x, _ in datasets.Phishing().take(300)]
    ids = [f"event {number}" for number in range(len(events))]

    def lanes(seed: int, event_ids: list[str] | None) -> list[str]:
        sampler = Sampler(linear_model.LogisticRegression(), strategy="random", explore=1.0, seed=seed)
        return [choice.lane for choice in sampler.decide_many(events, event_ids)]

    assert lanes(1, ids) == lanes(1, ids)
    assert lanes(1, ids) != lanes(2, ids)
    assert lanes(1, ids) != lanes(1, None)


def test_a_micro_batch_is_decided_at_once() -> None:
    """One choice an event, in order; an id for each, or none."""
    sampler = Sampler(scaled_logistic(), budget=0.5)
    events = [x for x, _ in datasets.Phishing().take(100)]
    choices = sampler.decide_many(events)
    assert len(choices) == 100
    assert 35 <= sum(choice.ask for choice in choices) <= 65
    assert sampler.decide_many([]) == []
    with pytest.raises(ValueError, match="100 events and 1 ids"):
        sampler.decide_many(events, ["one"])


@pytest.mark.parametrize(
    "classifier",
    [
        forest.AMFClassifier(n_estimators=3, seed=1),
        preprocessing.StandardScaler() | forest.ARFClassifier(n_models=3, seed=1),
        ensemble.AdaBoostClassifier(naive_bayes.GaussianNB(), 3, seed=1),
        Portfolio(("False", "True")),
    ],
    ids=["forest", "pipeline", "boosting", "portfolio"],
)
@pytest.mark.parametrize("strategy", ["committee_vote", "committee_kl"])
def test_the_members_of_an_ensemble_are_a_committee(classifier: base.Classifier, strategy: str) -> None:
    """They are asked from the first event on, and their disagreement decides."""
    sampler = Sampler(classifier.clone(), budget=BUDGET, strategy=strategy)
    events = ((x, str(y)) for x, y in datasets.Phishing().take(300))
    choices = sampled(sampler, events)
    assert choices[0].utility == 1.0
    assert len({choice.utility for choice in choices[150:]}) > 1
    assert sum(choice.ask for choice in choices) == pytest.approx(BUDGET * 300, abs=20)


def test_a_committee_strategy_without_one_is_refused() -> None:
    """When the sampler is made, with what would be right; and so is what can't be found or be meant."""
    with pytest.raises(AcquisitionRefused, match="LogisticRegression has none; take an ensemble"):
        Sampler(scaled_logistic(), strategy="committee_kl")
    with pytest.raises(AcquisitionRefused, match="did you mean 'entropy'"):
        Sampler(scaled_logistic(), strategy="entropie")
    with pytest.raises(ValueError, match="budget must be in"):
        Sampler(scaled_logistic(), budget=2.0)


@pytest.mark.parametrize("make", [Portfolio, TextMixture], ids=["portfolio", "text"])
def test_streamsels_own_mixtures_are_sampled_too(make: Callable[..., base.Classifier]) -> None:
    """Any mix of numbers, categories and a text; their labels are known from the start."""
    sampler = Sampler(make(("ham", "spam"), "text"), budget=0.5, text="text")
    events = [
        ({"text": f"word{n % 7} {'buy now' if n % 2 else 'see you'}", "n": n % 5, "kind": "ab"[n % 2]}, n % 2)
        for n in range(200)
    ]
    choices = sampled(sampler, ((x, ("ham", "spam")[y]) for x, y in events))
    assert set(choices[-1].probabilities) == {"ham", "spam"}
    x, y = events[-1]
    assert sampler.predict_one(x) == ("ham", "spam")[y]


def test_rules_have_the_last_word_and_are_named() -> None:
    """Always and never, whatever the utility."""
    rules = (
        Rule("large", "always", Comparison("amount", ">", 90.0)),
        Rule("tests", "never", Comparison("kind", "==", "test")),
    )
    sampler = Sampler(scaled_logistic(), constraints=ConstraintSettings(rules=rules))
    events = [{"amount": float(n), "kind": "test" if n % 3 == 0 else "real"} for n in range(100)]
    choices = sampler.decide_many(events)
    assert not any(choice.ask for choice in choices[::3])
    assert {choice.rules for choice in choices[::3]} == {("tests",), ("large",)} or choices[3].rules == (
        "tests",
    )
    assert any(choice.ask and "large" in choice.rules for choice in choices)

"""Selective sampling for any River classifier: which events to ask about, and what their labels told."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from numbers import Real
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from river import base, compose, linear_model

from streamsel.experience import Tally, shares_of
from streamsel.records import LANES, Experience, FeatureTable, Lane, Value
from streamsel.selection.acquisition import ACQUISITIONS, AcquisitionRefused, resolve
from streamsel.selection.candidates import Floats
from streamsel.selection.capacity import QueryRate
from streamsel.selection.constraints import ConstraintSettings
from streamsel.selection.strategy import QueryStrategy, Scored, StrategySettings

_LARGEST_NUMBER = 1e100
_NUMBERS: tuple[Any, ...] = (Real, np.bool_)


@runtime_checkable
class BatchCommittee(Protocol):
    """A classifier that scores whole tables and has weighted members, as streamsel's own mixtures do."""

    labels: tuple[Any, ...]
    """It may grow at its end."""

    @property
    def weights(self) -> Floats:
        """(members,), summing to 1."""

    def members(self, table: FeatureTable) -> Floats:
        """(members, rows, labels); NaN where a member has no opinion."""

    def probabilities(self, table: FeatureTable) -> Floats:
        """(rows, labels), or (rows, 0) while no two labels are told apart."""


class Choice(NamedTuple):
    """What was decided about one event. Hand it back with the label, however late that comes."""

    ask: bool
    lane: Lane
    propensity: float
    """The exact probability, over the event's draws, that it was asked about."""
    utility: float
    probabilities: Mapping[Any, float]
    """By label, as predicted now; empty while the classifier tells no two labels apart."""
    rules: tuple[str, ...] = ()
    """Names of the rules that had a say."""


class Sampler(base.Wrapper, base.Classifier):
    """Decides about each event whether its label is worth asking for, and learns the labels that come.

    Labels need not be known beforehand, nor come at once: queries still pending count as asked, and a label
    is judged by what was predicted when its event was decided. It is a River classifier itself, predicts as
    the one it wraps does, and can be cloned and pickled.

    Parameters
    ----------
    classifier
        Any River classifier that gives probabilities, or a pipeline that ends in one. The members of an
        ensemble are a committee for the strategies that ask one.
    budget
        Share of the events to ask about, in (0, 1].
    strategy
        Name of a query strategy, or ``package.module:object``; see ``streamsel.selection.acquisition``.
    explore
        Share of the queries drawn at random, in [0, 1], of those that are not held out.
    window
        Recent events whose utilities set the threshold.
    seed
        Of the draws.
    text
        The feature that holds free text, if there is one.
    constraints
        Rules, quotas, costs and how often a pattern is asked about; by default nothing is constrained.
        Labels and predicted classes go by their ``str``.
    holdout
        Share of the events drawn at random for evaluation alone, at most ``budget``: handed back with its
        choice, such a label is not learned.
    """

    def __init__(
        self,
        classifier: base.Classifier,
        budget: float = 0.1,
        strategy: str = "hybrid",
        explore: float = 0.2,
        window: int = 500,
        seed: int = 0,
        text: str | None = None,
        constraints: ConstraintSettings | None = None,
        holdout: float = 0.0,
    ) -> None:
        """Raises ``ValueError`` for a share out of range, and ``AcquisitionRefused``, which is one, for a
        strategy that can't be found or needs a committee where there is none."""
        if not (0.0 < budget <= 1.0 and 0.0 <= explore <= 1.0):
            raise ValueError(f"budget must be in (0, 1] and explore in [0, 1], not {budget} and {explore}")
        if not 0.0 <= holdout <= budget:
            raise ValueError(f"holdout must be in [0, budget], not {holdout}")
        self.classifier = classifier
        self.budget = budget
        self.strategy = strategy
        self.explore = explore
        self.window = window
        self.seed = seed
        self.text = text
        self.constraints = constraints
        self.holdout = holdout
        self._committee = "members" in resolve(strategy).uses and _has_members(classifier)
        if strategy in ACQUISITIONS and "members" in ACQUISITIONS[strategy].uses and not self._committee:
            raise AcquisitionRefused(
                f"'{strategy}' asks about what the members of a committee disagree on, and "
                f"{classifier} has none; take an ensemble, or another strategy"
            )
        self._selection = QueryStrategy(
            StrategySettings(strategy, window, seed, text, constraints or ConstraintSettings(window=window))
        )
        self._rate = QueryRate(
            budget, explore * (budget - holdout), room=2**31, explore_room=2.0**31, holdout_fraction=holdout
        )
        self._labels: tuple[Hashable, ...] = ()
        """Those met so far, learned or predicted."""
        self._tally = Tally(())
        self._decided = 0

    @property
    def _wrapped_model(self) -> base.Classifier:
        return self.classifier

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {"classifier": linear_model.LogisticRegression()}

    @property
    def experience(self) -> Experience:
        """What the labels learned so far tell of the classifier."""
        return self._tally.experience

    def decide_one(self, x: Mapping[Any, Any], event_id: str | None = None) -> Choice:
        """Whether to ask about an event. With an ``event_id`` its draws depend on that and the seed alone,
        otherwise on how many events there were before."""
        return self.decide_many([x], None if event_id is None else [event_id])[0]

    def decide_many(
        self, events: Sequence[Mapping[Any, Any]], event_ids: Sequence[str] | None = None
    ) -> list[Choice]:
        """As ``decide_one``, for a micro-batch that arrives together: every event is compared with all of it,
        at a small part of the cost. Raises ``ValueError`` unless there is an id for every event, or none."""
        if event_ids is None:
            event_ids = [str(self._decided + row) for row in range(len(events))]
        elif len(event_ids) != len(events):
            raise ValueError(f"{len(events)} events and {len(event_ids)} ids")
        self._decided += len(events)
        if not events:
            return []
        scored = self._scored(events, event_ids)
        selected = self._selection.decide(scored, self._rate)
        known = np.isfinite(scored.probabilities).all(axis=1) & (scored.probabilities.shape[1] > 1)
        return [
            Choice(
                ask=lane > 0,
                lane=LANES[lane],
                propensity=propensity,
                utility=utility,
                probabilities=dict(zip(self._labels, shares, strict=True)) if said else {},
                rules=selected.reasons.get(row, ()),
            )
            for row, (lane, propensity, utility, shares, said) in enumerate(
                zip(
                    selected.decisions.lanes.tolist(),
                    selected.decisions.propensities.tolist(),
                    selected.utilities.tolist(),
                    scored.probabilities.tolist(),
                    known.tolist(),
                    strict=True,
                )
            )
        ]

    def learn_one(
        self, x: Mapping[Any, Any], y: Hashable, choice: Choice | None = None, **kwargs: Any
    ) -> None:
        """Learns a label, unless it is held out; ``choice`` is what was decided about its event, if it was
        decided."""
        if choice is not None and choice.lane == "holdout":
            return
        self.classifier.learn_one(x, y, **kwargs)
        self._meet(self.classifier.labels if isinstance(self.classifier, BatchCommittee) else [y])
        lane, predicted = ("none", {}) if choice is None else (choice.lane, choice.probabilities)
        self._tally = self._tally.learned(y, self._labels, lane, predicted)

    def predict_proba_one(self, x: Mapping[Any, Any], **kwargs: Any) -> dict[Any, float]:
        """As the classifier predicts."""
        probabilities: dict[Any, float] = self.classifier.predict_proba_one(x, **kwargs)
        return probabilities

    def predict_one(self, x: Mapping[Any, Any], **kwargs: Any) -> Any:
        """As the classifier predicts."""
        return self.classifier.predict_one(x, **kwargs)

    def _scored(self, events: Sequence[Mapping[Any, Any]], event_ids: Sequence[str]) -> Scored:
        table = FeatureTable.of([_features(x) for x in events])
        classifier = self.classifier
        members = weights = None
        if isinstance(classifier, BatchCommittee):
            self._meet(classifier.labels)
            probabilities, weights = classifier.probabilities(table), classifier.weights
            if self._committee:
                told_apart = probabilities.shape[1] > 1
                unknown = np.full((len(weights), len(events), len(self._labels)), math.nan)
                members = classifier.members(table) if told_apart else unknown
        else:
            said = [classifier.predict_proba_one(x) for x in events]
            self._meet(chain.from_iterable(said))
            probabilities = _shares(said, self._labels)
            members = self._opinions(events) if self._committee else None
        return Scored(
            ids=event_ids,
            table=table,
            labels=tuple(map(str, self._labels)),
            probabilities=probabilities,
            segments=None,
            members=members,
            weights=weights,
            experience=self.experience,
        )

    def _meet(self, labels: Iterable[Hashable]) -> None:
        new = [label for label in dict.fromkeys(labels) if label not in self._labels]
        if new:
            self._labels = (*self._labels, *new)
            self._tally = replace(self._tally, counts=(*self._tally.counts, *[0] * len(new)))

    def _opinions(self, events: Sequence[Mapping[Any, Any]]) -> Floats:
        """(members, events, labels) of an ensemble; one member without an opinion while it is empty."""
        ensemble, inputs = self.classifier, events
        if isinstance(ensemble, compose.Pipeline):
            inputs = [ensemble.transform_one(x) for x in events]
            ensemble = ensemble[-1]
        members = [[member.predict_proba_one(x) for x in inputs] for member in ensemble]
        return np.array([_shares(said, self._labels) for said in members or [[{}] * len(events)]])


def _has_members(classifier: base.Classifier) -> bool:
    last = classifier[-1] if isinstance(classifier, compose.Pipeline) else classifier
    return isinstance(last, BatchCommittee | base.Ensemble)


def _shares(opinions: Sequence[Mapping[Any, float]], labels: Sequence[Hashable]) -> Floats:
    """(opinions, labels), NaN for one that says nothing; (opinions, 0) below two labels."""
    if len(labels) < 2:
        return np.zeros((len(opinions), 0))
    nothing = [math.nan] * len(labels)
    return np.array([shares_of(opinion, labels) or nothing for opinion in opinions])


def _features(x: Mapping[Any, Any]) -> dict[str, Value]:
    """As the strategy takes them: texts and finite numbers; all else counts as missing."""
    return {str(name): _value(value) for name, value in x.items()}


def _value(value: Any) -> Value:
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, _NUMBERS) or value != value:
        return None
    if -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER:
        return float(value)
    return _LARGEST_NUMBER if value > 0 else -_LARGEST_NUMBER

"""From a spec to a classifier that has learned nothing yet.

What only some presets need is imported where they are built: River's trees and preprocessing bring pandas and
scikit-learn, and LightGBM takes as long, for which the others should not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from streamsel.learning.copies import BaggedCopies
from streamsel.learning.logistic import ScaledLogistic
from streamsel.learning.spec import ModelSpec
from streamsel.records import FeatureTable, Value

Floats = NDArray[np.float64]


@runtime_checkable
class Classifier(Protocol):
    """What a model must do, as River's classifiers do; ``x`` holds what is present, by sorted names.

    Both must depend on nothing but what was learned, in order: no clock, no unseeded randomness, no order of
    a set of strings.
    """

    def learn_one(self, x: Mapping[str, Value], y: str) -> object: ...

    def predict_proba_one(self, x: Mapping[str, Value]) -> dict[Any, float]: ...


@runtime_checkable
class FitsAhead(Protocol):
    """A classifier for which some labels take long to learn, and which can do that part beforehand."""

    @property
    def fit_due(self) -> bool:
        """Whether the next label takes long."""

    def fit_ahead(self, x: Mapping[str, Value], y: str) -> None:
        """Does what takes long about ``learn_one(x, y)``, the next to be called, which comes to the same
        with or without. Runs in another thread than predictions, and must not change them."""


@runtime_checkable
class LearnsEach(Protocol):
    """A classifier that learns many events in less time than one after the other."""

    @property
    def at_once(self) -> int:
        """How many are best learned at once from here: more would take no less time each, or take long."""

    def learn_each(
        self, events: Sequence[Mapping[str, Value]], labels: Sequence[str], asked: Sequence[bool]
    ) -> list[dict[str, float]] | None:
        """For each event ``predict_proba_one``, if ``asked``, then ``learn_one``: to the last bit what comes
        of calling these. Returns the predictions; ``None``, with nothing learned, if it can't be done for all
        at once. ``events`` may hold ``None`` for what is missing, in any order of names."""


@runtime_checkable
class ScoresTables(Protocol):
    """A classifier that scores a whole micro-batch at once."""

    def table_probabilities(self, table: FeatureTable) -> Floats:
        """What ``predict_proba_one`` says of each row, as (rows, labels): NaN where it says nothing sound.
        (rows, 0) while the model tells no two labels apart. Values must lie within ±1e100."""


@runtime_checkable
class Committee(Protocol):
    """A classifier whose prediction is the mean of its members'."""

    @property
    def size(self) -> int:
        """How many members."""

    def members_proba_one(self, x: Mapping[str, Value]) -> list[dict[str, float]]:
        """What each says."""


class FactoryRefused(ValueError):
    """A factory can't be found or makes no classifier. The message names it and what would be right."""


def build(spec: ModelSpec) -> Classifier:
    """The preset, or what the factory makes of ``factory(labels, seed)``: the label names in order and an
    integer to seed all randomness with; or bagged copies of it. Raises ``FactoryRefused``."""
    if spec.copies:
        seeds = range(spec.seed, spec.seed + spec.copies)
        copies = [build(replace(spec, copies=0, seed=seed)) for seed in seeds]
        return cast(Classifier, BaggedCopies(spec.labels, copies, spec.seed))
    if spec.factory is not None:
        return _made(spec.factory, spec.labels, spec.seed)
    return _PRESETS[cast(str, spec.preset)](spec)


def _logistic(spec: ModelSpec) -> Classifier:
    return cast(Classifier, ScaledLogistic(spec.labels, spec.text))


def _tree(spec: ModelSpec) -> Classifier:
    from river.tree import HoeffdingAdaptiveTreeClassifier

    from streamsel.learning.trees import EncodedTrees, SignedLogarithm

    # Few labels: more frequent and less cautious splits than River's, and no resampling at the leaves.
    estimator = HoeffdingAdaptiveTreeClassifier(
        grace_period=50,
        delta=1e-3,
        bootstrap_sampling=False,
        max_depth=50,
        # Never: it would walk the whole tree at once, and prune by the sizes of this Python's objects.
        memory_estimate_period=10**15,
        seed=spec.seed,
    )
    return cast(Classifier, EncodedTrees(spec.labels, spec.text, estimator, SignedLogarithm()))


def _forest(spec: ModelSpec) -> Classifier:
    from river.forest import AMFClassifier

    from streamsel.learning.trees import CutOffScore, EncodedForest

    estimator = AMFClassifier(n_estimators=10, dirichlet=1.0 / len(spec.labels), seed=spec.seed)
    return cast(Classifier, EncodedForest(spec.labels, spec.text, estimator, CutOffScore()))


def _text(spec: ModelSpec) -> Classifier:
    from streamsel.learning.text import TextMixture

    return cast(Classifier, TextMixture(spec.labels, spec.text))


def _portfolio(spec: ModelSpec) -> Classifier:
    from streamsel.learning.portfolio import Portfolio

    return cast(Classifier, Portfolio(spec.labels, spec.text, spec.seed))


_PRESETS: dict[str, Callable[[ModelSpec], Classifier]] = {
    "logistic": _logistic,
    "tree": _tree,
    "forest": _forest,
    "portfolio": _portfolio,
    "text": _text,
}


def _made(factory: str, labels: tuple[str, ...], seed: int) -> Classifier:
    module_name, _, function_name = factory.partition(":")
    if not module_name or not function_name:
        raise FactoryRefused(f"factory must be written package.module:function, not '{factory}'")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise FactoryRefused(
            f"factory '{factory}': module '{module_name}' can't be imported: {error}"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise FactoryRefused(f"factory '{factory}': '{module_name}' has no function '{function_name}'")
    classifier = function(labels, seed)
    if not isinstance(classifier, Classifier):
        raise FactoryRefused(
            f"factory '{factory}' made a {type(classifier).__name__}; it must return an object with "
            "learn_one and predict_proba_one, such as a River classifier"
        )
    return classifier

"""The digest: equal for equal models in every process, different for different ones."""

import os
import random
import subprocess
import sys

import pytest

from streamsel.learning.fold import Fold
from streamsel.learning.spec import PRESETS, ModelSpec
from tests.core.learning_strategies import label_record, mixed_event

LABELS = ("fine", "fraud", "review")


def fold_of(preset: str, labels: int, seed: int = 1) -> Fold:
    """A stream of every kind of feature whose meaning turns over halfway, so that trees grow and change."""
    events = random.Random(7)
    fold = Fold(ModelSpec(LABELS, preset, seed=seed, text="note"))
    for offset in range(labels):
        features, label = mixed_event(events)
        if offset > labels / 2:
            label = LABELS[(LABELS.index(label) + 1) % 3]
        fold.apply(offset, label_record(str(offset), 1, label, features))
    return fold


def print_digests() -> None:
    """What the subprocesses below run: digests, and predictions to their last bit."""
    events = random.Random(11)
    for preset in PRESETS:
        fold = fold_of(preset, 600)
        predicted = [fold.model.predict_proba_one(mixed_event(events)[0]) for _ in range(10)]
        sys.stdout.write(f"{preset} {fold.digest()} {predicted}\n")


def test_does_not_depend_on_the_hash_seed() -> None:
    """Processes whose strings hash differently, as they do by default, fold to the same models."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", f"from {__name__} import print_digests; print_digests()"],
            env=os.environ | {"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "2718")
    }
    assert len(outputs) == 1
    assert [line.split()[0] for line in outputs.pop().splitlines()] == list(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_differs_once_a_label_was_learned_twice(preset: str) -> None:
    """The very fault it is there to find."""
    fold, doubled = fold_of(preset, 100), fold_of(preset, 100)
    assert fold.digest() == doubled.digest()
    doubled.model.learn_one(*mixed_event(random.Random(8)))
    assert fold.digest() != doubled.digest()


def test_differs_with_version_and_spec() -> None:
    """Equal predictions at another offset, or of another spec, are not the same model."""
    digests = {Fold(ModelSpec(LABELS, seed=seed)).digest() for seed in (1, 2)}
    fold = Fold(ModelSpec(LABELS))
    fold.apply(0, None)
    assert len(digests | {fold.digest()}) == 3


def test_a_seed_changes_a_forest() -> None:
    """All its randomness comes from the spec."""
    features, _ = mixed_event(random.Random(9))
    one, other = (fold_of("forest", 100, seed).model.predict_proba_one(features) for seed in (1, 2))
    assert one != other

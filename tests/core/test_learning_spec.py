"""What makes two models the same model."""

import dataclasses

import pytest

from streamsel.learning.presets import FactoryRefused, build
from streamsel.learning.spec import ModelSpec
from tests.core.learning_strategies import label_record

SPEC = ModelSpec(("fine", "fraud"))


class Unfit:
    """Not a classifier."""


def make_unfit(labels: tuple[str, ...], seed: int) -> Unfit:
    """A factory that does not do what it must."""
    del labels, seed
    return Unfit()


class Remembering:
    """What a factory was called with, and a model of which nothing is known."""

    def __init__(self, labels: tuple[str, ...], seed: int) -> None:
        self.made_with = (labels, seed)

    def learn_one(self, x: object, y: str) -> None:
        del x, y

    def predict_proba_one(self, x: object) -> dict[str, float]:
        del x
        return {}


class TestSpecHash:
    def test_is_stable(self) -> None:
        """The hash is part of every digest, so it changes only with what a model computes."""
        assert SPEC.spec_hash == "6ccec0061ce7ae581368c1f158c14a9f"

    @pytest.mark.parametrize(
        "change",
        [
            {"labels": ("fraud", "fine")},
            {"preset": "tree"},
            {"factory": "a:b"},
            {"seed": 2},
            {"text": "note"},
            {"copies": 5},
        ],
    )
    def test_differs_with_every_field(self, change: dict[str, object]) -> None:
        """No two different specs pass for one."""
        changed = dataclasses.replace(SPEC, **change)  # type: ignore[arg-type]
        assert changed.spec_hash != SPEC.spec_hash

    def test_does_not_depend_on_the_preset_a_factory_replaces(self) -> None:
        """With a factory, the preset says nothing."""
        one, other = (ModelSpec(SPEC.labels, preset, "a:b") for preset in ("logistic", None))
        assert one.spec_hash == other.spec_hash


class TestMistakes:
    @pytest.mark.parametrize("labels", [(), ("one",), ("same", "same"), ("fine", "")])
    def test_labels_are_two_or_more_different_names(self, labels: tuple[str, ...]) -> None:
        """The message shows what was given."""
        with pytest.raises(ValueError, match=r"two or more different names, not \["):
            ModelSpec(labels)

    def test_an_unknown_preset_is_named_with_the_known_ones(self) -> None:
        """The message says what would be right."""
        with pytest.raises(ValueError, match=r"logistic, tree, forest, .*, not 'logistics'"):
            ModelSpec(SPEC.labels, "logistics")

    @pytest.mark.parametrize(
        ("factory", "message"),
        [
            ("no_colon", "written package.module:function"),
            ("no_such_module_at_all:make", "module 'no_such_module_at_all' can't be imported"),
            (f"{__name__}:missing", "has no function 'missing'"),
            (f"{__name__}:make_unfit", "made a Unfit; it must return an object with learn_one"),
        ],
    )
    def test_a_factory_that_makes_no_classifier_is_refused(self, factory: str, message: str) -> None:
        """Before the first label, with a message that says what would be right."""
        with pytest.raises(FactoryRefused, match=message):
            build(ModelSpec(SPEC.labels, factory=factory))


def test_a_factory_is_called_with_labels_and_seed() -> None:
    """So that one function serves every configuration."""
    spec = ModelSpec(SPEC.labels, factory=f"{__name__}:Remembering", seed=7)
    model = build(spec)
    assert isinstance(model, Remembering)
    assert model.made_with == (SPEC.labels, 7)
    assert model.predict_proba_one(label_record("a").features) == {}

"""What the labels tell of the model, judged as it was when the events were decided."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.experience import FADE, LEAST_PROBABILITY
from streamsel.learning.applied import Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import Experience, Label, Lane, LogRecord
from tests.core.learning_strategies import label_record, mixed_record, retraction_record

LABELS = ("fine", "fraud", "review")
SPEC = ModelSpec(LABELS, text="note")


def answered(label_id: str, label: str, lane: Lane, predicted: Mapping[str, float]) -> Label:
    """A label as the desk writes it, with what was predicted when its event was decided."""
    return replace(label_record(label_id, label=label), lane=lane, probabilities=predicted)


def experience_of(log: list[LogRecord]) -> Experience:
    """Of a fold that has learned it all."""
    fold = Fold(SPEC)
    for offset, record in enumerate(log):
        assert fold.apply(offset, record).outcome is Outcome.LEARNED
    return fold.experience


def test_is_empty_before_the_first_label() -> None:
    """No counts, and no loss is known."""
    experience = ServingModel(Fold(SPEC)).experience
    assert experience.counts == ()
    assert not experience.beats_prior
    assert math.isnan(experience.explored_loss)
    assert math.isnan(experience.uncertain_entropy)


def test_judges_what_was_recorded_by_lane() -> None:
    """Fading, in nats; the prior is that of the labels before, by Laplace's rule."""
    log: list[LogRecord] = [
        answered("a", "fine", "explore", {"fine": 0.5, "fraud": 0.3, "review": 0.2}),
        answered("b", "fraud", "uncertain", {"fine": 0.6, "fraud": 0.4, "review": 0.0}),
        answered("c", "fraud", "explore", {"fine": 0.75, "fraud": 0.25}),
    ]
    experience = experience_of(log)
    assert experience.counts == (1, 2, 0)
    assert experience.uncertain_loss == pytest.approx(-math.log(0.4))
    assert experience.uncertain_entropy == pytest.approx(-0.6 * math.log(0.6) - 0.4 * math.log(0.4))
    weights = 1.0 + FADE
    assert experience.explored_loss == pytest.approx((FADE * math.log(2.0) + math.log(4.0)) / weights)
    assert experience.explored_prior_loss == pytest.approx(
        (FADE * math.log(3.0) + math.log(5.0 / 2.0)) / weights
    )


def test_nothing_recorded_is_an_even_chance() -> None:
    """The model knew no two labels when the event was decided; so are labels that are not the spec's."""
    for predicted in ({}, {"other": 1.0}, {"fine": math.nan}, {"fine": math.inf}):
        experience = experience_of([answered("a", "fraud", "uncertain", predicted)])
        assert experience.uncertain_loss == pytest.approx(math.log(3.0))
        assert experience.uncertain_entropy == pytest.approx(math.log(3.0))


def test_seeds_only_count() -> None:
    """Their events were never decided, whatever their record says."""
    seed = replace(answered("a", "fraud", "explore", {"fine": 1.0}), source="seed")
    experience = experience_of([seed, label_record("b")])
    assert experience.counts == (1, 1, 0)
    assert math.isnan(experience.explored_loss)
    assert math.isnan(experience.uncertain_loss)


def test_a_model_beats_the_prior_when_it_does_and_not_when_it_stops() -> None:
    """Both within a hundred labels of the explore lane."""
    events = random.Random(1)
    log: list[LogRecord] = []
    for trust, expected in ((0.8, True), (0.1, False), (0.9, True)):
        for _ in range(100):
            label = events.choice(LABELS)
            predicted = dict.fromkeys(LABELS, (1.0 - trust) / 2) | {label: trust}
            log.append(answered(str(len(log)), label, "explore", predicted))
        assert experience_of(log).beats_prior is expected


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.floats(0.0, 1.0)), min_size=1, max_size=50))
def test_losses_stay_within_what_one_surprise_may_cost(answers: list[tuple[str, float]]) -> None:
    """Also when a label was held for impossible."""
    log: list[LogRecord] = [
        answered(str(offset), label, "explore", {"fine": share, "fraud": 1.0 - share})
        for offset, (label, share) in enumerate(answers)
    ]
    experience = experience_of(log)
    assert 0.0 <= experience.explored_loss <= -1.001 * math.log(LEAST_PROBABILITY)
    assert experience.labels == len(answers)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_is_the_same_after_a_correction_as_without_the_mistake(seed: int) -> None:
    """Rewound to a checkpoint or to the start, with the model."""
    events = random.Random(seed)
    log: list[LogRecord] = [
        replace(mixed_record(events, str(offset)), lane=events.choice(("explore", "uncertain")))
        for offset in range(150)
    ]
    fold = Fold(SPEC)
    for offset, record in enumerate(log):
        fold.apply(offset, record)
    mistaken = events.randrange(150)
    log.append(retraction_record(str(mistaken), 2))
    assert fold.apply(150, log[150]).outcome is Outcome.REWIND
    fold = fold.rewound()
    for offset in range(fold.version, 151):
        fold.apply(offset, log[offset])
    assert fold.experience == experience_of(log[:mistaken] + log[mistaken + 1 : 150])

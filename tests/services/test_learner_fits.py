"""What takes long about a label, such as fitting a model anew."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest

from streamsel.learning.spec import ModelSpec
from streamsel.services.learner import Learner
from tests.core.learning_strategies import label_record, retraction_record, table_of
from tests.services.learning_bench import LABELS, Bench, following, mixed_records, sample


class Fitting:
    """An estimator for which every label takes long to learn, and which tells when that was done."""

    core_seconds = 0.02
    fit_due = True

    def __init__(self, labels: Sequence[str], seed: int) -> None:
        del seed
        self._labels = labels
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()
        self.made: list[str] = []
        self.spans: list[tuple[float, float]] = []
        self.threads: set[int] = set()

    def fit_ahead(self, x: dict[str, object], y: str) -> None:
        del x, y
        self.begun.set()
        self.threads.add(threading.get_ident())
        assert self.may_go_on.wait(10)
        began, until = time.monotonic(), time.thread_time() + self.core_seconds
        while time.thread_time() < until:
            pass
        self.spans.append((began, time.monotonic()))
        self.made.append("ahead")

    def learn_one(self, x: dict[str, object], y: str) -> None:
        del x, y
        self.made.append("learned")

    def predict_proba_one(self, x: dict[str, object]) -> dict[str, float]:
        del x
        return dict.fromkeys(self._labels, 1 / len(self._labels))


FITTING = ModelSpec(LABELS, factory=f"{__name__}:Fitting")


def fitting(learner: Learner) -> Fitting:
    """The estimator that serves."""
    model = learner.scorer.fold.model
    assert isinstance(model, Fitting)
    return model


async def test_fits_are_made_in_a_thread_while_the_model_goes_on_serving(bench: Bench) -> None:
    """Version and predictions stay as they are, and the label that waits shows as lag."""
    learner = bench.learner(FITTING)
    async with following(learner):
        model = fitting(learner)
        model.may_go_on.clear()
        end = await bench.write(label_record("a"), label_record("b"))
        await asyncio.to_thread(model.begun.wait, 10)
        assert learner.version == 0
        assert learner.lag > 0
        assert sample(learner, "streamsel_fold_lag") == learner.lag
        assert learner.scorer.probabilities(table_of([(1.0,)], ("x",))).shape == (1, 3)
        model.may_go_on.set()
        await learner.reached(end)
    assert model.made == ["ahead", "learned", "ahead", "learned"]
    assert threading.get_ident() not in model.threads
    assert sample(learner, "streamsel_stage_seconds_count", stage="fit") == 2


async def test_fits_take_at_most_half_of_a_core_however_fast_labels_come(bench: Bench) -> None:
    """After each, as long as it took of a core passes before the next begins."""
    learner = bench.learner(FITTING)
    async with following(learner):
        model = fitting(learner)
        await learner.reached(await bench.write(*(label_record(str(number)) for number in range(8))))
    assert len(model.spans) == 8
    for (_, ended), (next_began, _) in pairwise(model.spans):
        assert next_began - ended >= Fitting.core_seconds


async def test_fits_follow_each_other_while_the_log_is_caught_up_with(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that starts does not wait; labels that are superseded are not fitted at all."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        waits.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", noted)
    await bench.write(*(label_record(str(number)) for number in range(8)), retraction_record("3", 2))
    learner = bench.learner(FITTING)
    await learner.catch_up()
    model = fitting(learner)
    assert model.made == ["ahead", "learned"] * 7
    assert threading.get_ident() not in model.threads
    assert not any(waits)


async def test_fits_are_the_same_wherever_they_are_made(bench: Bench) -> None:
    """A replica that follows, one that catches up, and a fold without threads have one digest."""
    spec = ModelSpec(LABELS, "portfolio")
    learner = bench.learner(spec)
    async with following(learner):
        for seed in range(3):
            await learner.reached(await bench.write(*mixed_records(25, seed)))
    replica = bench.learner(spec)
    await replica.catch_up()
    assert learner.digest() == replica.digest() == bench.digest(spec)

"""Challengers in shadow, on a real label log: compared, promoted by rule, and served at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from streamsel.adapters.clock import SystemClock
from streamsel.learning.calibration import Floats
from streamsel.learning.course import Challenge, InForce
from streamsel.learning.fold import Fold
from streamsel.learning.promotion import Standing, compared, score
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.records import Directive, Label, LogRecord, ModelChoice, PromotionRule
from streamsel.services.directing import Directing
from streamsel.services.trials import Trials
from tests.core.learning_strategies import label_record, retraction_record
from tests.services.learning_bench import LABELS, SPEC, Bench, following

TREE = replace(SPEC, preset="tree")
"""The champion: slow to learn what a line tells apart."""
CHALLENGER = replace(SPEC, seed=3)
RULE = PromotionRule("accuracy", least_labels=20)


def challenge(rule: PromotionRule = RULE, name: str = "c") -> Directive:
    return Directive(
        name, "challenge", "ada", 1.0, "faster", model=ModelChoice("logistic", seed=3), rule=rule
    )


def explored(count: int, seed: int = 1) -> list[Label]:
    """Labels of the explore lane that a line tells apart."""
    draw = random.Random(seed)
    records = []
    for number in range(count):
        x, y = draw.uniform(-1, 1), draw.uniform(-1, 1)
        record = label_record(f"{seed}/{number}", 1, "fraud" if x > y else "fine", {"x": x, "y": y})
        records.append(replace(record, lane="explore", propensity=0.1))
    return records


class Shadow:
    """A learner and the trials beside it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.learner = bench.learner(TREE)
        self.directing = Directing(bench.log, TREE)
        self.trials = Trials(bench.log, self.directing, Metrics(), SystemClock())
        self.learner.warm = self.trials.release

    async def meet(self, *records: LogRecord) -> Standing | None:
        """All of them written, learned and compared; how the one challenger stands then."""
        await self.learner.reached(await self.bench.write(*records))
        await self.trials.advance(self.learner.in_force, self.learner.version)
        return self.trials.standings.get("c")

    def gauge(self, name: str) -> float | None:
        return self.trials._metrics.registry.get_sample_value(name, {"challenge": "c"})


@pytest.fixture
async def shadow(bench: Bench) -> AsyncIterator[Shadow]:
    """Following the log."""
    made = Shadow(bench)
    async with following(made.learner):
        yield made


def scores_of(log: Sequence[LogRecord], spec: ModelSpec, since: int) -> Floats:
    """By the definition: predict each explored label before it is learned."""
    fold, scores = Fold(spec), []
    for offset, record in enumerate(log):
        predicted = fold.apply(offset, record).predicted
        if offset >= since and isinstance(record, Label) and record.lane == "explore":
            opinion = np.zeros(0) if predicted is None else predicted
            scores.append(score(RULE, opinion, LABELS.index(record.label)))
    return np.array(scores)


async def test_a_challenger_is_compared_on_what_is_explored_since_the_challenge(shadow: Shadow) -> None:
    """By what each would have served before it learned the label; other lanes, seeds and what programs
    answer are learned by both, and not compared; what is held out is not even learned."""
    one, two, three, four, five = explored(5, 2)
    others = [
        replace(one, lane="uncertain"),
        replace(two, lane="none"),
        replace(three, source="seed"),
        replace(four, source="outcome"),
        replace(five, lane="holdout"),
    ]
    log: list[LogRecord] = [
        *explored(10),
        challenge(PromotionRule("accuracy", 1_000)),
        *explored(12, 3),
        *others,
    ]
    standing = await shadow.meet(*log)
    assert standing is not None
    expected = compared(
        PromotionRule("accuracy", 1_000), scores_of(log, TREE, 11)[:12], scores_of(log, CHALLENGER, 11)[:12]
    )
    assert standing == expected
    assert standing.labels == 12
    assert shadow.gauge("streamsel_challenger_labels") == 12
    assert shadow.gauge("streamsel_challenger_gain") == standing.gain


async def test_one_that_is_better_is_promoted_with_the_evidence(shadow: Shadow) -> None:
    """Into the log, once, however many selectors find so; its fold serves without being made anew."""
    log: list[LogRecord] = [challenge(), *explored(250)]
    await shadow.meet(*log)
    twin = Trials(shadow.bench.log, Directing(shadow.bench.log, TREE), Metrics(), SystemClock())
    await twin.advance(InForce(TREE, (), {"c": Challenge(CHALLENGER, RULE, 1)}), 251)
    await shadow.learner.reached(252)
    await shadow.directing.read()
    (_, promotion) = shadow.directing.given
    assert (promotion.offset, promotion.directive.issued_by) == (251, "rule")
    standing = compared(RULE, scores_of(log, TREE, 1), scores_of(log, CHALLENGER, 1))
    assert standing.promoted
    assert promotion.directive.evidence == standing.evidence()
    assert shadow.learner.scorer.fold.spec == CHALLENGER
    assert shadow.trials.standings == {}
    assert shadow.gauge("streamsel_challenger_labels") is None
    started = shadow.bench.learner(TREE)
    await started.catch_up()
    assert started.digest() == shadow.learner.digest()


async def test_a_corrected_label_is_compared_as_corrected(shadow: Shadow) -> None:
    """Both models, and all scores behind it, are as if it had been right at once."""
    rule = PromotionRule("accuracy", 1_000)
    log: list[LogRecord] = [*explored(10), challenge(rule), *explored(12, 3)]
    await shadow.meet(*log)
    corrected = replace(explored(1, 3)[0], revision=2, label="review")
    standing = await shadow.meet(corrected, retraction_record("3/5", 2))
    assert standing is not None
    without: list[LogRecord] = [
        record for record in log if getattr(record, "label_id", "") not in ("3/0", "3/5")
    ]
    right = [*without, corrected]
    assert standing == compared(rule, scores_of(right, TREE, 11), scores_of(right, CHALLENGER, 11))


async def test_another_champion_is_compared_anew(shadow: Shadow) -> None:
    """Evidence against one model is none against another."""
    rule = PromotionRule("accuracy", 1_000)
    await shadow.meet(challenge(rule), *explored(12))
    other = Directive("s", "set_spec", "ada", 2.0, "", model=ModelChoice("tree", seed=9))
    standing = await shadow.meet(other, *explored(7, 2))
    assert standing is not None
    assert standing.labels == 7


async def test_a_withdrawn_challenger_is_forgotten(shadow: Shadow) -> None:
    """And nothing of it is shown any more."""
    await shadow.meet(challenge(), *explored(12))
    assert await shadow.meet(Directive("w", "withdraw", "ada", 2.0, challenge="c")) is None
    assert shadow.gauge("streamsel_challenger_wealth") is None


async def test_while_the_model_is_frozen_nothing_is_compared(shadow: Shadow) -> None:
    """What came meanwhile is, once it is thawed."""
    rule = PromotionRule("accuracy", 1_000)
    await shadow.meet(challenge(rule), *explored(5))
    standing = await shadow.meet(Directive("f", "freeze", "ada", 2.0), *explored(6, 2))
    assert standing is not None
    assert standing.labels == 5
    standing = await shadow.meet(Directive("t", "thaw", "ada", 2.0))
    assert standing is not None
    assert standing.labels == 11


async def test_it_follows_the_learner_by_itself(shadow: Shadow) -> None:
    """Until it is cancelled."""
    run = asyncio.create_task(shadow.trials.run(shadow.learner))
    await shadow.bench.write(challenge(), *explored(250))
    await shadow.learner.reached(252)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert shadow.learner.scorer.fold.spec == CHALLENGER

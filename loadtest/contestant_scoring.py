"""What an event costs on one core: its utility and the gate; its score by the portfolio, screened or not, and
by River's own models in one mixture; and what screening costs in quality.

To be run with one thread for linear algebra. Times are the thread's own, and the least of some rounds: what
other processes take of the machine is not ours.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from river import datasets

from loadtest.events import FEATURES, labelled
from loadtest.quality.river_mixture import RiverMixture
from loadtest.thread_time import least
from streamsel.backtest.engine import run
from streamsel.backtest.scores import score
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Plan, Trace
from streamsel.config.select import Select
from streamsel.learning.fold import Fold
from streamsel.learning.serving import ServingModel
from streamsel.learning.spec import ModelSpec
from streamsel.records import Features, FeatureTable, Label
from streamsel.selection import QueryRate, QueryStrategy, Scored, StrategySettings
from streamsel.services.selector import LARGEST_BATCH

LABELS = ("legit", "fraud")
NAMES = tuple(sorted(FEATURES))
MICRO_BATCH = 500
FEW_LABELS = 1_000
SCREEN = 0.2
"""Share of a micro-batch that slow members score."""
BUDGET = 0.1
"""Of the runs that tell what screening costs in quality."""
SEEDS = (1, 2)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    events: int = 20_000
    """Scored in each of the rounds."""
    labels: int = 4_000
    """Learned by slow models; of the streams that are played, one is as long and one up to twice as long."""
    rounds: int = 7


def gate(size: Size) -> dict[str, float]:
    """µs an event of ``QueryStrategy.decide`` behind a logistic model: as ``streamsel serve`` is set up, also
    in the micro-batches of a selector that has all hands full; and by entropy with nothing constrained."""
    model = trained("logistic", FEW_LABELS)
    select = Select()
    rate = QueryRate(select.budget, select.explore * select.budget, 2**31, 2.0**31)
    default = StrategySettings(select.strategy, select.window, select.seed, constraints=select.constraints())

    def seconds(settings: StrategySettings, micro_batch: int = MICRO_BATCH) -> float:
        batches = [
            Scored(ids, table, LABELS, model.opinions(table).probabilities, experience=model.experience)
            for ids, table in _micro_batches(size.events, micro_batch)
        ]
        strategy = QueryStrategy(settings)
        return least(lambda: [strategy.decide(scored, rate) for scored in batches], size.rounds)

    microseconds = 1e6 / size.events
    return {
        "gate_us": seconds(default) * microseconds,
        "gate_busy_us": seconds(default, LARGEST_BATCH) * microseconds,
        "gate_entropy_us": seconds(StrategySettings("entropy")) * microseconds,
    }


def portfolio(size: Size) -> dict[str, float]:
    """Events a second, all scored by all members, and how many times as many with screening."""
    model = trained("portfolio", size.labels)
    tables = [table for _, table in _micro_batches(size.events)]

    def seconds(serving: ServingModel) -> float:
        return least(lambda: [serving.opinions(table) for table in tables], size.rounds)

    alone, screened = seconds(model), seconds(ServingModel(model.fold, SCREEN))
    return {"portfolio_events_per_second": size.events / alone, "screening_speedup": alone / screened}


def river(size: Size) -> dict[str, float]:
    """Events a second by River's logistic regression, naive Bayes, adaptive tree and Mondrian forest."""
    mixture = RiverMixture(len(LABELS), seed=1)
    for features, label in _labelled(size.labels, seed=2):
        mixture.learn(features, LABELS.index(label))
    events = [features for features, _ in _labelled(size.events // 20, seed=3)]
    return {
        "river_events_per_second": len(events) / least(lambda: [mixture.predict(one) for one in events], 2)
    }


def screening(size: Size) -> dict[str, float]:
    """What screening costs in a backtest: accuracy and ROC AUC, and the share of queries made for their
    utility that would not have been made without it. Means over streams and seeds."""
    losses = []
    select = Select()
    for stream in (_bananas(2 * size.labels), _transactions(size.labels)):
        for seed in SEEDS:
            plan = Plan(
                select.strategy,
                "portfolio",
                BUDGET,
                select.explore,
                select.window,
                seed,
                constraints=select.constraints(),
            )
            alone, screened = (
                run(stream, one, lambda _: None) for one in (plan, replace(plan, screen=SCREEN))
            )
            losses.append(_loss(alone, screened))
    accuracy, roc_auc, others = np.mean(losses, axis=0).tolist()
    return {
        "screening_loss": accuracy,
        "screening_roc_auc_loss": roc_auc,
        "screening_other_queries": others,
    }


PARTS: dict[str, Callable[[Size], dict[str, float]]] = {
    part.__name__: part for part in (gate, portfolio, river, screening)
}


def trained(preset: str, labels: int) -> ServingModel:
    """Has learned labels of random events, each with what was predicted before."""
    model = ServingModel(Fold(ModelSpec(LABELS, preset)))
    for number, (features, label) in enumerate(_labelled(labels, seed=2)):
        (shares,) = model.probabilities(FeatureTable.of([features])).tolist()
        record = Label(
            label_id=str(number),
            revision=1,
            event_id=str(number),
            label=label,
            source="reviewer",
            labelled_by="loadtest",
            labelled_at=0.0,
            features=features,
            lane="explore",
            propensity=1.0,
            probabilities=dict(zip(LABELS, shares, strict=False)),
        )
        model.fold.apply(model.version, record)
    return model


def _labelled(count: int, seed: int) -> Iterator[tuple[Features, str]]:
    for event, label in labelled(count, seed):
        yield {name: float(event[name]) for name in NAMES}, label  # type: ignore[arg-type]


def _micro_batches(count: int, size: int = MICRO_BATCH) -> list[tuple[list[str], FeatureTable]]:
    events = [features for features, _ in _labelled(count, seed=3)]
    return [
        (
            [f"transaction-{number:012d}" for number in range(start, min(start + size, count))],
            FeatureTable.of(events[start : start + size]),
        )
        for start in range(0, count, size)
    ]


def _bananas(most: int) -> Stream:
    events = islice(datasets.Bananas(), most)
    rows = [({name: float(value) for name, value in x.items()}, int(y)) for x, y in events]
    return _stream([x for x, _ in rows], [y for _, y in rows])


def _transactions(count: int) -> Stream:
    rows = list(_labelled(count, seed=4))
    return _stream([x for x, _ in rows], [LABELS.index(label) for _, label in rows])


def _stream(events: list[Any], truth: list[int]) -> Stream:
    ids = [str(row) for row in range(len(events))]
    return Stream(labels=LABELS, events=events, truth=np.array(truth), ids=ids)


def _loss(alone: Trace, screened: Trace) -> tuple[float, float, float]:
    before, after = (score(trace.truth, trace.probabilities) for trace in (alone, screened))
    asked, instead = (trace.lanes == 1 for trace in (alone, screened))
    others = float((instead & ~asked).sum() / max(instead.sum(), 1))
    return before.accuracy - after.accuracy, before.roc_auc - after.roc_auc, others


if __name__ == "__main__":
    _, part, *figures = sys.argv
    sys.stdout.write(json.dumps(PARTS[part](Size(*map(int, figures)))) + "\n")

"""What is run so that a strategy can be judged: itself, those it is compared with, and random sampling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from streamsel.backtest.reviewers import arrivals
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Plan
from streamsel.selection.constraints import ConstraintSettings

RANDOM = "random"
ALL_LABELS = "all labels"
RUNGS = (0.5, 2.0, 4.0)
"""Random sampling with other numbers of labels: in multiples of a strategy's."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Plans under the same seeds, in order."""

    plans: Mapping[str, Sequence[Plan]]
    """By strategy, the one that is judged first; ``ALL_LABELS`` where everything is asked about."""
    rungs: Sequence[Sequence[Plan]] = ()

    @property
    def every(self) -> list[Plan]:
        """All plans, in one order."""
        return [plan for plans in (*self.plans.values(), *self.rungs) for plan in plans]


def contest(plan: Plan, compared: Iterable[str], seeds: int, share: float | None = None) -> Contest:
    """The plan's strategy and ``compared``, each under ``seeds`` seeds from the plan's own.

    With a ``share`` of events, about that which will be labelled, everything a report needs besides: random
    sampling, all labels, and random sampling with other numbers of labels. The last two are asked without
    constraints, and answered after the plan's delay whatever the reviewers can bear: they tell what other
    numbers of labels are worth.
    """
    judged = [plan.strategy, *compared]
    unhindered = replace(
        plan, strategy=RANDOM, reviewers=None, allowance=None, constraints=ConstraintSettings()
    )
    if share is None:
        return Contest({name: _seeded(replace(plan, strategy=name), seeds) for name in judged})
    plans = {name: _seeded(replace(plan, strategy=name), seeds) for name in (*judged, RANDOM)}
    plans[ALL_LABELS] = _seeded(replace(unhindered, budget=1.0), seeds)
    budgets = [rung * share for rung in RUNGS if rung * share < 1.0]
    return Contest(plans, [_seeded(replace(unhindered, budget=budget), seeds) for budget in budgets])


def expected_share(plan: Plan, stream: Stream) -> float:
    """About the share of events that will be labelled: the budget, or what the clock allows or reviewers can
    do of it."""
    reviewers, allowance = plan.reviewers, plan.allowance
    bursts = () if reviewers is None else reviewers.bursts
    seconds = float(arrivals(len(stream), plan.events_per_second, stream.times, bursts)[-1])
    labels = [plan.budget * len(stream)]
    if reviewers is not None:
        labels.append(reviewers.reviewers * seconds / reviewers.review_seconds)
    if allowance is not None:
        labels.append(allowance.most(seconds))
    return min(plan.budget, max(min(labels), 1.0) / len(stream))


def _seeded(plan: Plan, seeds: int) -> list[Plan]:
    return [replace(plan, seed=plan.seed + number) for number in range(seeds)]

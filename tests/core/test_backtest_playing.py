"""Runs, one after the other or beside each other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamsel.backtest.contest import ALL_LABELS, RANDOM, RUNGS, contest, expected_share
from streamsel.backtest.playing import play
from streamsel.backtest.trace import Allowance, ReviewerPlan
from tests.core.backtest_runs import PLAN, failing, made_up, stream


@pytest.mark.parametrize("workers", [1, 2])
def test_outcomes_come_in_the_order_of_their_plans(workers: int) -> None:
    """However many processes there are, they are the same; progress adds up to every event of every run."""
    plans = [replace(PLAN, seed=seed, strategy=name) for seed in (1, 2) for name in ("margin", "random")]
    steps: list[int] = []
    outcomes = play(stream(), plans, made_up, workers, steps.append)
    assert [outcome.plan for outcome in outcomes] == plans
    assert [outcome.digest for outcome in outcomes] == ["margin-1", "random-1", "margin-2", "random-2"]
    assert sum(steps) == 4 * 400
    assert min(steps) > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_run_raises_ends_all(workers: int) -> None:
    """The others, which would go on for long, are given up."""
    with pytest.raises(ZeroDivisionError):
        play(stream(), [replace(PLAN, seed=seed) for seed in (2, 3)], failing, workers, lambda _: None)


def test_a_strategy_alone_runs_alone() -> None:
    """Under as many seeds as asked for, from the plan's own."""
    runs = contest(PLAN, [], seeds=3)
    assert list(runs.plans) == ["entropy"]
    assert [plan.seed for plan in runs.every] == [1, 2, 3]


def test_a_strategy_compared_with_itself_runs_once() -> None:
    """And the judged one comes first."""
    assert list(contest(PLAN, ["random", "entropy"], seeds=1).plans) == ["entropy", "random"]


def test_a_report_brings_random_sampling_with_other_numbers_of_labels() -> None:
    """And all labels; neither waits for reviewers, but random sampling at the same budget does."""
    reviewers = ReviewerPlan(3, 25.0, 20, 900.0)
    runs = contest(replace(PLAN, reviewers=reviewers, delay=7), ["margin"], seeds=2, share=0.05)
    assert list(runs.plans) == ["entropy", "margin", RANDOM, ALL_LABELS]
    assert runs.plans[RANDOM][0].reviewers == reviewers
    everything = runs.plans[ALL_LABELS][0]
    assert (everything.budget, everything.reviewers, everything.delay) == (1.0, None, 7)
    assert [plans[0].budget for plans in runs.rungs] == [0.05 * rung for rung in RUNGS]
    assert all(plan.strategy == RANDOM and plan.reviewers is None for plans in runs.rungs for plan in plans)
    assert len(runs.every) == 2 * (4 + len(RUNGS))


def test_no_rung_asks_about_more_than_everything() -> None:
    """That is what all labels are for."""
    assert [plans[0].budget for plans in contest(PLAN, [], seeds=1, share=0.6).rungs] == [0.3]


def test_reviewers_bound_the_share_that_is_expected() -> None:
    """Two reviewers at ten seconds a review do 4 of the 400 events that come within 20 seconds."""
    assert expected_share(PLAN, stream()) == PLAN.budget
    few = replace(PLAN, reviewers=ReviewerPlan(2, 10.0, 20, 900.0))
    assert expected_share(few, stream(401)) == pytest.approx(4 / 401)


def test_the_clock_bounds_the_share_that_is_expected() -> None:
    """1,800 labels an hour are 10 in 20 seconds; half the money buys half of that."""
    hourly = replace(PLAN, allowance=Allowance(labels_per_hour=1_800.0))
    assert expected_share(hourly, stream(401)) == pytest.approx(10 / 401)
    daily = replace(PLAN, allowance=Allowance(1_800.0, money_per_day=43_200.0, money_per_query=2.0))
    assert expected_share(daily, stream(401)) == pytest.approx(5 / 401)


def test_what_is_compared_at_other_numbers_of_labels_is_not_bound_by_the_clock() -> None:
    """Random sampling at the same budget is."""
    allowance = Allowance(labels_per_hour=60.0)
    runs = contest(replace(PLAN, allowance=allowance), [], seeds=1, share=0.05)
    assert runs.plans[RANDOM][0].allowance == allowance
    assert all(plan.allowance is None for plans in (runs.plans[ALL_LABELS], *runs.rungs) for plan in plans)

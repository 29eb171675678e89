"""The law from shared facts to what may be asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.selection import CapacityFacts, CapacityPolicy

POLICY = CapacityPolicy(budget=0.5, explore=0.2, target_backlog=20, expire_seconds=900.0)
FACTS = CapacityFacts(
    backlog=20, oldest_seconds=60.0, live_reviewers=5, completions_per_second=0.2, mean_review_seconds=25.0,
    events_per_second=20.0,
)  # fmt: skip

rates = st.floats(0.0, 1e6)
facts = st.builds(
    CapacityFacts,
    backlog=st.integers(0, 10_000),
    oldest_seconds=st.floats(0.0, 1e6),
    live_reviewers=st.integers(0, 1_000),
    completions_per_second=rates,
    mean_review_seconds=st.none() | st.floats(0.01, 1e5),
    events_per_second=rates,
    selectors=st.integers(0, 50),
)
policies = st.builds(
    CapacityPolicy,
    budget=st.floats(1e-6, 1.0),
    explore=st.floats(0.0, 1.0),
    holdout=st.floats(0.0, 1.0),
    target_backlog=st.integers(1, 1_000),
    expire_seconds=st.floats(0.1, 1e6),
)


@given(policies, facts)
def test_any_facts_give_a_rate_within_its_bounds(policy: CapacityPolicy, known: CapacityFacts) -> None:
    """Shares stay within the budget, and nothing is negative or no number, whatever the facts."""
    rate = policy.rate(known)
    assert 0.0 <= rate.fraction <= policy.budget
    drawn = rate.explore_fraction + rate.holdout_fraction
    assert min(rate.explore_fraction, rate.holdout_fraction) >= 0.0
    assert drawn <= max(rate.fraction, 0.5 * policy.budget) * (1.0 + 1e-9)
    assert 0 <= rate.room <= 2 * policy.target_backlog
    assert 0.0 <= rate.explore_room < float("inf")


@given(facts, st.integers(1, 500))
def test_a_longer_backlog_never_lets_more_in(known: CapacityFacts, more: int) -> None:
    """The fraction, the room and the exploration fall, or stay, as the backlog grows."""
    shorter, longer = POLICY.rate(known), POLICY.rate(replace(known, backlog=known.backlog + more))
    assert longer.fraction <= shorter.fraction
    assert longer.room <= shorter.room
    assert longer.explore_fraction <= shorter.explore_fraction


@given(facts, st.integers(1, 50))
def test_more_reviewers_never_get_less(known: CapacityFacts, more: int) -> None:
    """The fraction rises, or stays, as reviewers join."""
    joined = replace(known, live_reviewers=known.live_reviewers + more)
    assert POLICY.rate(joined).fraction >= POLICY.rate(known).fraction


def test_at_the_target_as_much_enters_as_is_completed() -> None:
    """5 reviewers of 25 s a review take 0.2 queries a second: 1 % of 20 events a second."""
    rate = POLICY.rate(FACTS)
    assert rate.fraction == pytest.approx(0.01)
    assert rate.explore_fraction == pytest.approx(0.002)
    assert rate.room == 20


def test_at_twice_the_target_only_the_reserve_enters() -> None:
    """Exploration keeps its share of what the reviewers complete; nothing else enters."""
    for backlog in (40, 41, 400):
        rate = POLICY.rate(replace(FACTS, backlog=backlog))
        assert (rate.fraction, rate.room) == (0.0, 0)
        assert rate.explore_fraction == pytest.approx(0.2 * 0.2 / 20.0)
        assert rate.explore_room == pytest.approx(0.2 * 0.2)


def test_what_is_held_out_shrinks_with_the_rest() -> None:
    """Its share of the events at the full budget, the same part of less; exploration shares what it leaves,
    and above the cap both keep theirs of the reserve."""
    policy = replace(POLICY, budget=0.1, holdout=0.02)
    full = policy.rate(replace(FACTS, backlog=0, events_per_second=1.0))
    assert (full.fraction, full.holdout_fraction) == pytest.approx((0.1, 0.02))
    assert full.explore_fraction == pytest.approx(0.2 * 0.08)
    less = policy.rate(FACTS)
    assert less.fraction < 0.1
    assert less.holdout_fraction == pytest.approx(0.2 * less.fraction)
    capped = policy.rate(replace(FACTS, backlog=40))
    assert capped.fraction == 0.0
    assert capped.holdout_fraction == pytest.approx(0.2 * 0.2 / 20.0)
    assert capped.explore_fraction == pytest.approx(0.2 * 0.8 * 0.2 / 20.0)


def test_exploration_alone_cannot_hold_the_backlog_up() -> None:
    """With all queries drawn at random, what is reserved above the cap is half of what is completed."""
    rate = replace(POLICY, explore=1.0).rate(replace(FACTS, backlog=40))
    assert rate.explore_fraction == pytest.approx(0.5 * 0.2 / 20.0)


def test_an_idle_queue_is_filled_to_its_target() -> None:
    """With nobody there queries enter until the target is reached, and then no more."""
    nobody = replace(FACTS, live_reviewers=0, completions_per_second=0.0, mean_review_seconds=None)
    assert POLICY.rate(replace(nobody, backlog=0)).fraction == pytest.approx(20 / 10.0 / 20.0)
    assert POLICY.rate(replace(nobody, backlog=20)).fraction == 0.0


def test_reviewers_who_have_answered_nothing_yet() -> None:
    """Before the first answer a review is taken to last as long as assumed."""
    fresh = replace(FACTS, completions_per_second=0.0, mean_review_seconds=None)
    assert POLICY.rate(fresh).fraction == pytest.approx(5 / 30.0 / 20.0)


def test_old_queries_slow_the_inflow() -> None:
    """From half of a query's life on less enters, at its end nothing but the fill."""
    shares = [
        POLICY.rate(replace(FACTS, oldest_seconds=age)).fraction for age in (450.0, 675.0, 900.0, 5_000.0)
    ]
    assert shares == pytest.approx([0.01, 0.005, 0.0, 0.0])


def test_selectors_share_the_room() -> None:
    """The fraction is the same for all, since it is one of all events; the room is divided."""
    one, four = POLICY.rate(FACTS), POLICY.rate(replace(FACTS, selectors=4))
    assert four.fraction == one.fraction
    assert (one.room, four.room) == (20, 5)
    assert four.explore_room == pytest.approx(one.explore_room / 4)


@given(policies, facts, st.floats(0.0, 1.0))
def test_no_more_is_asked_than_is_affordable(
    policy: CapacityPolicy, known: CapacityFacts, affordable: float
) -> None:
    """The smallest of share, reviewers' capacity and budget by the clock counts, for exploration as well."""
    limited, rate = policy.rate(known, affordable), policy.rate(known)
    assert limited.fraction == min(rate.fraction, affordable)
    assert limited.explore_fraction <= min(rate.explore_fraction, affordable)


def test_the_budget_is_never_exceeded() -> None:
    """On a slow stream with many reviewers the budget decides."""
    rate = POLICY.rate(replace(FACTS, backlog=0, live_reviewers=500, events_per_second=0.1))
    assert rate.fraction == 0.5
    assert POLICY.rate(replace(FACTS, backlog=0, events_per_second=0.0)).fraction == 0.5

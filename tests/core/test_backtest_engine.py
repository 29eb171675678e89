"""The engine from a stream's first event to its last: who may know what when, and what is spent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from river import datasets

from streamsel.backtest.engine import MICRO_BATCH, run
from streamsel.backtest.scores import score
from streamsel.backtest.stream import Stream
from streamsel.backtest.trace import Allowance, Plan, ReviewerPlan, Trace
from streamsel.config.select import STRATEGIES
from streamsel.records import Value
from streamsel.selection.acquisition.uncertainty import margin
from streamsel.selection.candidates import Candidates, Floats
from streamsel.selection.constraints import ConstraintSettings
from streamsel.selection.gate import EXPLORE, HOLDOUT, NONE, RULE, UNCERTAIN
from streamsel.selection.quotas import Quota
from streamsel.selection.rules import Comparison, Rule

PLAN = Plan(strategy="entropy", preset="logistic", budget=0.1, explore=0.5, window=500, seed=1)


def stream_of(
    labelled: Iterable[tuple[Mapping[str, Value], int]],
    segments: list[Mapping[str, str]] | None = None,
    text: str | None = None,
) -> Stream:
    rows = list(labelled)
    return Stream(
        labels=("no", "yes"),
        events=[dict(sorted(features.items())) for features, _ in rows],
        truth=np.array([int(label) for _, label in rows]),
        ids=[f"event-{row}" for row in range(len(rows))],
        segments=segments,
        text=text,
    )


@pytest.fixture(scope="module")
def phishing() -> Stream:
    """1,250 events of nine numbers."""
    return stream_of((x, int(y)) for x, y in datasets.Phishing())


@pytest.fixture(scope="module")
def bananas() -> Stream:
    """2,000 events of two numbers, in overlapping crescents."""
    return stream_of((x, int(y)) for x, y in islice(datasets.Bananas(), 2_000))


def played(stream: Stream, plan: Plan = PLAN) -> Trace:
    told: list[int] = []
    trace = run(stream, plan, told.append)
    assert told == sorted(told)
    assert told[-1] == len(stream)
    return trace


@pytest.mark.parametrize("delay", [0, 100])
def test_a_label_comes_after_its_delay_and_not_before(phishing: Stream, delay: int) -> None:
    """Counted in events from the one it is about; what is asked at the very end is learned by nobody."""
    trace = played(phishing, replace(PLAN, delay=delay))
    asked, learned = np.flatnonzero(trace.lanes), np.flatnonzero(trace.learned_at >= 0)
    assert (trace.learned_at[learned] > learned + delay).all()
    assert (trace.learned_at[learned] <= learned + delay + MICRO_BATCH).all()
    assert set(learned) == set(asked[asked + delay < len(phishing)])
    assert trace.model_version == len(learned)


def test_no_label_is_known_before_it_is_learned(phishing: Stream) -> None:
    """With one label turned round, all is as it was until that label is learned, and not after."""
    plan = replace(PLAN, delay=50)
    before = played(phishing, plan)
    row = int(np.flatnonzero(before.learned_at >= 0)[20])
    truth = phishing.truth.copy()
    truth[row] = 1 - truth[row]
    after = played(replace(phishing, truth=truth), plan)
    learned_at = int(before.learned_at[row])
    assert row + 50 < learned_at == after.learned_at[row]
    for name in ("probabilities", "lanes", "propensities"):
        one, other = getattr(before, name), getattr(after, name)
        np.testing.assert_array_equal(one[:learned_at], other[:learned_at])
        assert not np.array_equal(one[learned_at:], other[learned_at:], equal_nan=name == "probabilities")


def test_labels_never_asked_for_count_for_nothing(phishing: Stream) -> None:
    """Turned round, all of them, they change no prediction and no decision."""
    before = played(phishing)
    truth = np.where(before.lanes == NONE, 1 - phishing.truth, phishing.truth)
    after = played(replace(phishing, truth=truth))
    assert before.digest == after.digest
    np.testing.assert_array_equal(before.probabilities, after.probabilities)
    np.testing.assert_array_equal(before.lanes, after.lanes)


def test_the_seed_decides_everything(phishing: Stream) -> None:
    """The same one, the same run to the last bit; another, other queries."""
    one, again, other = (played(phishing, replace(PLAN, seed=seed)) for seed in (1, 1, 2))
    assert one.digest == again.digest != other.digest
    np.testing.assert_array_equal(one.probabilities, again.probabilities)
    np.testing.assert_array_equal(one.propensities, again.propensities)
    assert not np.array_equal(one.lanes, other.lanes)


def test_seed_labels_are_learned_as_they_come_at_no_cost(phishing: Stream) -> None:
    """Nobody is asked for them, and the model knows more by the time the first query is made."""
    trace, without = played(phishing, replace(PLAN, seed_labels=200)), played(phishing)
    assert not trace.lanes[:200].any()
    assert (trace.learned_at[:200] == -1).all()
    assert trace.model_version == 200 + np.count_nonzero(trace.learned_at >= 0)
    early = slice(200, 400)
    gained = score(phishing.truth[early], trace.probabilities[early])
    assert gained.accuracy > score(phishing.truth[early], without.probabilities[early]).accuracy


@pytest.mark.parametrize("budget", [0.05, 0.2])
def test_the_budget_is_spent(bananas: Stream, budget: float) -> None:
    """To within the gate's band, delay or not."""
    for delay in (0, 200):
        trace = played(bananas, replace(PLAN, budget=budget, delay=delay))
        assert np.count_nonzero(trace.lanes) == pytest.approx(budget * len(bananas), rel=0.1)


def test_propensities_are_those_of_what_was_done(bananas: Stream) -> None:
    """No query without one, and the queries weighed by their inverse count as all events, in number and in
    the share of positives."""
    sums = []
    for seed in range(1, 9):
        trace = played(bananas, replace(PLAN, seed=seed))
        asked = trace.lanes != NONE
        assert (trace.propensities[asked] > 0.0).all()
        assert (trace.propensities <= 1.0).all()
        weights = 1.0 / trace.propensities[asked]
        sums.append((weights.sum(), weights[bananas.truth[asked] == 1].sum()))
    events, positives = np.mean(sums, axis=0)
    assert events == pytest.approx(len(bananas), rel=0.1)
    assert positives == pytest.approx(np.count_nonzero(bananas.truth == 1), rel=0.1)


def by_margin(candidates: Candidates) -> Floats:
    """A strategy of one's own."""
    return margin(candidates)


@pytest.mark.parametrize("strategy", [*STRATEGIES, f"{__name__}:by_margin"])
def test_every_strategy_plays_with_the_portfolio(phishing: Stream, strategy: str) -> None:
    """It spends the budget, and the model is better than the majority in the end."""
    few = replace(phishing, events=phishing.events[:600], truth=phishing.truth[:600], ids=phishing.ids[:600])
    trace = played(few, replace(PLAN, strategy=strategy, preset="portfolio", budget=0.2))
    assert np.count_nonzero(trace.lanes) == pytest.approx(120, rel=0.15)
    late = slice(300, 600)
    assert score(few.truth[late], trace.probabilities[late]).accuracy > 0.75


def test_slow_members_may_be_spared(phishing: Stream) -> None:
    """Most predictions are then the quick ones', and about as good."""
    few = replace(phishing, events=phishing.events[:600], truth=phishing.truth[:600], ids=phishing.ids[:600])
    plan = replace(PLAN, strategy="hybrid", preset="portfolio", budget=0.2)
    whole, screened = played(few, plan), played(few, replace(plan, screen=0.3))
    assert not np.array_equal(whole.probabilities, screened.probabilities, equal_nan=True)
    accuracies = [score(few.truth, trace.probabilities).accuracy for trace in (whole, screened)]
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.05)


REVIEWERS = ReviewerPlan(reviewers=2, review_seconds=10.0, target_backlog=5, expire_seconds=900.0)


def test_reviewers_bound_what_is_asked(phishing: Stream) -> None:
    """Two at ten seconds a review answer 0.2 a second, of two events; they are kept at work, and their queue
    stays short. What they take comes before the delay."""
    trace = played(phishing, replace(PLAN, budget=0.5, events_per_second=2.0, reviewers=REVIEWERS))
    course = trace.course
    assert course is not None
    answers = np.count_nonzero(trace.learned_at >= 0)
    assert answers == pytest.approx(0.2 / 2.0 * len(phishing), rel=0.25)
    assert np.percentile(course.backlog, 95) <= 10
    assert course.review_seconds > 0.9 * course.present_seconds
    later = played(phishing, replace(PLAN, budget=0.5, events_per_second=2.0, reviewers=REVIEWERS, delay=100))
    learned = np.flatnonzero((later.learned_at >= 0) & (later.learned_at < len(phishing)))
    assert (later.learned_at[learned] - learned > 100).all()


@pytest.mark.parametrize(
    "allowance",
    [
        Allowance(labels_per_hour=720.0),
        Allowance(money_per_day=34_560.0, money_per_query=2.0),
        Allowance(720.0, money_per_day=1e9),
    ],
)
@pytest.mark.parametrize("reviewers", [None, ReviewerPlan(20, 1.0, 100, 900.0)])
def test_a_budget_by_the_clock_is_kept(
    phishing: Stream, allowance: Allowance, reviewers: ReviewerPlan | None
) -> None:
    """One label in five seconds is one of ten events, whatever share of events and reviewers would bear."""
    plan = replace(PLAN, budget=0.5, events_per_second=2.0, allowance=allowance, reviewers=reviewers)
    asked = np.flatnonzero(played(phishing, plan).lanes)
    assert len(asked) == pytest.approx(0.1 * len(phishing), rel=0.15)
    assert np.count_nonzero(asked >= len(phishing) // 2) == pytest.approx(len(asked) / 2, rel=0.2)


def test_rules_and_quotas_look_at_segments(phishing: Stream) -> None:
    """An always rule has its own lane, a never rule its silence, and a quota its share."""
    names = np.array([{0: "a", 1: "c"}.get(row % 20, "bd"[row % 2]) for row in range(len(phishing))])
    shops = [{"shop": name} for name in names.tolist()]
    constraints = ConstraintSettings(
        rules=(
            Rule("new", "always", Comparison("shop", "==", "a")),
            Rule("ours", "never", Comparison("shop", "==", "b")),
        ),
        quotas=(Quota("fair", "shop", 0.2, ("c",)),),
    )
    plan = replace(PLAN, budget=0.2, explore=0.2, constraints=constraints)
    trace = played(replace(phishing, segments=shops), plan)
    assert trace.segments == shops
    asked = trace.lanes != NONE
    assert RULE in trace.lanes[names == "a"]
    assert asked[names == "a"].mean() > 0.9
    assert not asked[names == "b"].any()
    assert not trace.propensities[names == "b"].any()
    assert (names[asked] == "c").mean() == pytest.approx(0.2, abs=0.03)


def test_texts_are_learned_from_word_by_word() -> None:
    """The text preset on a stream where one word tells."""
    draws = np.random.default_rng(1)
    words = np.array(["the", "a", "meeting", "report", "lunch", "monday", "please", "send", "see", "you"])
    labelled = []
    for _ in range(600):
        label = int(draws.random() < 0.4)
        text = " ".join([*draws.choice(words, 5), "winner" if label else "agenda"])
        labelled.append(({"note": text}, label))
    stream = stream_of(labelled, text="note")
    trace = played(stream, replace(PLAN, preset="text", strategy="hybrid", budget=0.2))
    assert score(stream.truth[300:], trace.probabilities[300:]).accuracy > 0.95


def test_what_is_held_out_is_asked_about_and_not_learned(phishing: Stream) -> None:
    """The model of a stream with half the queries held out has learned the other half."""
    trace = played(phishing, replace(PLAN, budget=0.2, holdout=0.1))
    held_out = np.count_nonzero(trace.lanes == HOLDOUT)
    assert held_out == pytest.approx(0.1 * len(trace.lanes), rel=0.3)
    assert np.count_nonzero(trace.lanes) == pytest.approx(0.2 * len(trace.lanes), rel=0.1)
    without = played(phishing, replace(PLAN, budget=0.2))
    assert trace.digest != without.digest


def test_exploration_is_a_lane_of_its_own(phishing: Stream) -> None:
    """All of it, none of it, or half of the queries."""
    shares = []
    for explore in (0.0, 0.5, 1.0):
        lanes = played(phishing, replace(PLAN, explore=explore)).lanes
        shares.append(np.count_nonzero(lanes == EXPLORE) / np.count_nonzero(lanes))
        assert set(np.unique(lanes)) <= {NONE, UNCERTAIN, EXPLORE}
    assert shares == [0.0, pytest.approx(0.5, abs=0.12), 1.0]

"""The life-cycle table, and the order in which queries are claimed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.records import Lane, Query
from streamsel.review.lifecycle import OPEN_STATES, TRANSITIONS, URGENCY, Action, State
from streamsel.review.priority import head_start
from streamsel.review.settings import DeskSettings


def reachable(start: State) -> set[State]:
    """All states that some moves lead to."""
    found = {start}
    while True:
        further = {after for (before, _), after in TRANSITIONS.items() if before in found}
        if further <= found:
            return found
        found |= further


def actions(state: State) -> set[Action]:
    return {action for before, action in TRANSITIONS if before == state}


def test_every_state_is_reached_from_waiting() -> None:
    """No state is there for nothing."""
    assert reachable(State.WAITING) == set(State)


def test_every_action_is_possible_somewhere() -> None:
    """No action is there for nothing."""
    assert {action for _, action in TRANSITIONS} == set(Action)


def test_the_logs_word_closes_a_query_in_every_state() -> None:
    """The label log is the truth, whatever the desk had come to believe; an opinion takes no label back."""
    assert all(TRANSITIONS[state, Action.SETTLE] == State.LABELLED for state in State)
    for state in State:
        opined = State.LABELLED if state == State.LABELLED else State.OPINED
        assert TRANSITIONS[state, Action.OPINE] == opined


def test_only_the_log_answers_a_slot() -> None:
    """No other way leads to labelled or opined: an answer counts once the log has it."""
    for answered in (State.LABELLED, State.OPINED):
        leading = {action for (_, action), after in TRANSITIONS.items() if after == answered}
        assert leading <= {Action.SETTLE, Action.OPINE}


def test_a_closed_slot_moves_only_by_the_log() -> None:
    """Expired and dead slots are nobody's to claim any more, and answers change by what the log says."""
    by_the_log = {Action.SETTLE, Action.OPINE, Action.RETRACT, Action.REOPEN}
    for state in set(State) - OPEN_STATES:
        assert actions(state) <= by_the_log
    assert actions(State.EXPIRED) == actions(State.DEAD) == {Action.SETTLE, Action.OPINE}


def test_what_is_taken_back_is_open_again() -> None:
    """For anyone, or for the one who undoes it."""
    for state in (State.OPINED, State.LABELLED):
        assert TRANSITIONS[state, Action.RETRACT] == State.WAITING
        assert TRANSITIONS[state, Action.REOPEN] == State.LEASED


def test_every_state_has_its_urgency() -> None:
    """So that every query with several slots is in exactly one state."""
    assert sorted(URGENCY) == sorted(State)


def test_a_query_is_claimed_only_while_it_waits() -> None:
    """So that it never has two holders, and none while its label is being recorded."""
    assert [state for state, action in TRANSITIONS if action == Action.CLAIM] == [State.WAITING]


def test_every_open_query_can_still_be_finished_without_anyones_help() -> None:
    """With all reviewers and desks gone, time alone moves every open state on."""
    by_time = {Action.LAPSE, Action.BURY, Action.EXPIRE}
    assert all(actions(state) & by_time for state in OPEN_STATES)


def asked(lane: Lane, utility: float) -> Query:
    return Query("id", "event", lane, 0.5, utility, {}, 0, 0.0, {})


@given(first=st.floats(0, 1), second=st.floats(0, 1))
def test_more_utility_is_a_longer_head_start(first: float, second: float) -> None:
    """In the uncertain lane the most useful comes first."""
    ranked = sorted([first, second])
    assert head_start(asked("uncertain", ranked[0])) <= head_start(asked("uncertain", ranked[1]))


@given(utility=st.floats(0, 1), lane=st.sampled_from(["explore", "rule"]))
def test_what_is_not_asked_for_its_utility_has_the_full_head_start(utility: float, lane: Lane) -> None:
    """So that which of these queries are answered says nothing about their utility."""
    assert head_start(asked(lane, utility)) == 1.0 >= head_start(asked("uncertain", utility))


@pytest.mark.parametrize("expire_seconds", [0.5, 20.0, 900.0, 86_400.0])
def test_the_head_start_is_over_long_before_a_query_expires(expire_seconds: float) -> None:
    """Nothing is kept waiting by more useful queries for all of its life, and never for minutes."""
    settings = DeskSettings(30, expire_seconds, 10, 3, 3_600, 60)
    assert settings.ageing_seconds <= min(expire_seconds / 2.0, 30.0)

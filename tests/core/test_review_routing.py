"""Where queries wait, who answers them, and that it never changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.codec import query_id_of
from streamsel.records import Query
from streamsel.review.refusals import NotPermitted, UnknownQueue
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import Overlap, QueueRule, Routing

LARGE = QueueRule("large", lambda query: query.utility > 0.8, tier=2)
FRENCH = QueueRule("french", lambda query: query.segments.get("language") == "fr")
ROUTING = Routing([LARGE, FRENCH, QueueRule("board", tier=3)])


def asked(event_id: str = "e", utility: float = 0.5, **segments: str) -> Query:
    return Query(
        query_id_of(event_id), event_id, "uncertain", 0.5, utility, {}, 0, 0.0, {}, segments=segments
    )


def test_the_first_queue_whose_condition_holds_takes_a_query() -> None:
    """And the default one what nobody else takes; a queue without a condition takes nothing."""
    assert ROUTING.place(asked(utility=0.9, language="fr")).queue == "large"
    assert ROUTING.place(asked(language="fr")).queue == "french"
    assert ROUTING.place(asked()).queue == "default"


def test_default_and_escalated_are_always_there() -> None:
    """Once each, though they are named."""
    assert [queue.name for queue in ROUTING.queues] == ["large", "french", "board", "default", "escalated"]
    named = Routing([QueueRule("escalated", tier=3), QueueRule("default")])
    assert [(queue.name, queue.tier) for queue in named.queues] == [("escalated", 3), ("default", 1)]


def test_queries_arrive_where_a_condition_leads_and_in_the_default_queue() -> None:
    """The others hold what was escalated."""
    assert ROUTING.first_queues == ["large", "french", "default"]


def test_a_reviewer_claims_from_what_tier_and_list_allow() -> None:
    """Of queues that are named, all must be theirs."""
    assert ROUTING.open_to(Reviewer("nora")) == ["french", "default"]
    assert ROUTING.open_to(Reviewer("eve", 3)) == ["large", "french", "board", "default", "escalated"]
    assert ROUTING.open_to(Reviewer("fred", 3, frozenset({"french", "board"}))) == ["french", "board"]
    assert ROUTING.open_to(Reviewer("eve", 3), ["board", "large"]) == ["board", "large"]
    with pytest.raises(NotPermitted, match="'large'"):
        ROUTING.open_to(Reviewer("nora"), ["french", "large"])
    with pytest.raises(NotPermitted, match="'default'"):
        ROUTING.open_to(Reviewer("fred", 3, frozenset({"french"})), ["default"])
    with pytest.raises(UnknownQueue, match="no queue 'board room': there are large, french, board"):
        ROUTING.open_to(Reviewer("eve", 3), ["board room"])


def test_the_share_of_queries_with_several_reviewers_is_as_configured() -> None:
    """Drawn by a hash of the query id."""
    routing = Routing(overlap=Overlap(0.2, 3))
    slots = [routing.place(asked(f"event {number}")).slots for number in range(5_000)]
    assert set(slots) == {1, 3}
    assert slots.count(3) / len(slots) == pytest.approx(0.2, abs=0.02)


@given(st.text(), st.floats(0, 1))
def test_a_query_is_placed_alike_whatever_else_is_known_of_it(event_id: str, utility: float) -> None:
    """A rebuilt queue is what it was: how many answer depends on the id alone."""
    routing = Routing(overlap=Overlap(0.5, 2))
    first = routing.place(asked(event_id))
    assert routing.place(replace(asked(event_id, utility), lane="explore", decided_at=9.0)) == first


def test_no_share_and_all_of_them_are_what_they_say() -> None:
    """Without exception."""
    none, all_of_them = Routing(overlap=Overlap(0.0)), Routing(overlap=Overlap(1.0, 2))
    for number in range(200):
        assert none.place(asked(str(number))).slots == 1
        assert all_of_them.place(asked(str(number))).slots == 2


def test_what_is_sensitive_is_a_condition_of_its_own() -> None:
    """In whatever queue it waits."""
    routing = Routing([LARGE], sensitive=lambda query: query.segments.get("kind") == "violence")
    assert routing.place(asked(utility=0.9, kind="violence")).sensitive
    assert not routing.place(asked(utility=0.9)).sensitive

"""Who and what there is in the histories of ``test_histories``: limits, queues, reviewers, what is drawn."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from streamsel.ports import GoldQuery
from streamsel.review.lifecycle import Action
from streamsel.review.reviewers import Reviewer
from streamsel.review.routing import Overlap, QueueRule, Routing
from tests.contracts.review_queue.stores import SETTINGS, query

LIMITS = replace(
    SETTINGS,
    attempts=2,
    skips=2,
    most_held=2,
    most_sensitive=1,
    work_seconds=100.0,
    break_seconds=40.0,
    gold_share=0.3,
)
ROUTING = Routing(
    [
        QueueRule("large", lambda one: one.utility == 1.0, tier=2, escalates_to="board", sla_seconds=50.0),
        QueueRule("board", tier=3, sla_seconds=200.0),
        QueueRule("escalated", tier=2, sla_seconds=100.0),
    ],
    overlap=Overlap(share=0.5, reviewers=2),
    sensitive=lambda one: int(one.query_id[1:]) % 2 == 0,
)
GOLD = [GoldQuery(query(90), "fraud"), GoldQuery(query(91, utility=1.0), "fraud")]
PEOPLE = [Reviewer("nora"), Reviewer("ann", 2), Reviewer("dan", 3), Reviewer("eve", 3)]

NUMBERS = st.integers(1, 6)
LANES = st.sampled_from(["uncertain", "explore"])
UTILITIES = st.sampled_from([0.0, 0.5, 1.0])
REVIEWERS = st.sampled_from(PEOPLE)
NAMES = st.sampled_from([one.name for one in PEOPLE])
QUEUES = st.sampled_from([[], [], [], ["default"], ["escalated"], ["board", "large"]])
LABELS = st.sampled_from(["fraud", "legitimate"])
KEYS = st.sampled_from(["key 1", "key 2"])
SECONDS = st.sampled_from(
    [1.0, -2.0, *[LIMITS.recording_seconds] * 3, *[LIMITS.lease_seconds] * 3, 40.0, LIMITS.expire_seconds]
)
"""Moves that end just when something is due, one that does not, and a step back of the server's clock."""
GIVE_UP = st.sampled_from([Action.RELEASE, Action.ESCALATE, Action.SKIP, Action.SKIP])
ENDS = st.sampled_from([Action.SETTLE] * 5 + [Action.BEGIN, Action.SKIP, Action.ESCALATE])

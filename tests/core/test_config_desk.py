"""The desk's section: queues that lead somewhere, and conditions on what queries have."""

from __future__ import annotations

from typing import Any

import pytest

from streamsel.config import Config
from streamsel.wiring.desk import desk_settings, routing
from tests.contracts.review_queue.stores import query


def configured(**desk: Any) -> Config:
    return Config.model_validate({"stream": {"redact": ["card"]}, "desk": desk})


def where(field: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


LARGE = where("amount", ">", 10)


@pytest.mark.parametrize(
    ("desk", "mistake"),
    [
        ({"queues": {"a b": {}}}, "queues: 'a b' must be letters, digits"),
        ({"queues": {"default": {"where": LARGE}}}, "'default' takes what no other queue does"),
        (
            {"queues": {"a": {"escalates_to": "bord"}, "board": {}}},
            "names no queue 'bord'; did you mean 'board'",
        ),
        (
            {"queues": {"a": {"escalates_to": "b"}, "b": {"escalates_to": "a"}}},
            "escalation goes in a circle, a to b to a",
        ),
        (
            {"queues": {"a": {"where": where("card.number", "present")}}},
            "queues.a.where: field 'card.number'",
        ),
        ({"sensitive": where("card", "present")}, "desk.sensitive: field 'card' is in no query"),
        (
            {"sensitive": where("predicted_class", "==", "positiv")},
            "value 'positiv' is no label; did you mean 'positive'",
        ),
        ({"overlap": {"reviewers": 1}}, "greater than or equal to 2"),
        ({"overlap": {"consensus": "loudest"}}, "'majority', 'unanimous' or 'weighted'"),
    ],
)
def test_what_cannot_work_is_refused(desk: dict[str, Any], mistake: str) -> None:
    """With what is wrong, and what was probably meant."""
    with pytest.raises(ValueError, match=mistake):
        configured(**desk)


def test_without_configuration_there_are_two_queues() -> None:
    """One for all, and one for what is escalated, of a higher tier."""
    assert [(queue.name, queue.tier) for queue in routing(Config()).queues] == [
        ("default", 1),
        ("escalated", 2),
    ]


def test_the_escalated_queue_can_be_given_other_settings_and_keeps_its_tier() -> None:
    """Unless another is named."""
    (escalated, _) = routing(configured(queues={"escalated": {"sla_seconds": 60}})).queues
    assert (escalated.name, escalated.tier, escalated.sla_seconds) == ("escalated", 2, 60.0)
    (escalated, _) = routing(configured(queues={"escalated": {"tier": 3}})).queues
    assert escalated.tier == 3


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (where("amount", ">", 12), True),
        (where("amount", ">", 13), False),
        (where("terminal", "absent"), True),
        (where("note", "contains", "quoted"), True),
        (where("shop", "in", ["12", "13"]), True),
        (where("predicted_class", "==", "legitimate"), True),
        (where("confidence", "<", 0.6), False),
        ({"all_of": [where("online", "==", True), where("country", "==", "España")]}, True),
        ({"any_of": [where("online", "==", False), where("country", "==", "Portugal")]}, False),
    ],
)
def test_a_condition_is_over_all_that_a_reviewer_is_shown(condition: dict[str, Any], holds: bool) -> None:
    """Features, context, segments, and what is predicted."""
    config = Config.model_validate(
        {
            "labels": {"names": ["legitimate", "fraud"]},
            "desk": {"queues": {"special": {"where": condition}}, "sensitive": condition},
        }
    )
    placed = routing(config).place(query(1))
    assert (placed.queue == "special", placed.sensitive) == (holds, holds)


def test_a_query_of_a_model_that_knows_nothing_is_placed_too() -> None:
    """What is predicted is then missing."""
    bare = query(1)
    config = configured(queues={"sure": {"where": where("confidence", ">", 0.5)}})
    assert routing(config).place(bare).queue == "sure"
    assert routing(config).place(type(bare)("q", "e", "explore", 1.0, 1.0, {}, 0, 0.0, {})).queue == "default"


def test_gold_is_asked_only_where_there_is_a_file() -> None:
    """Its share alone asks nothing."""
    assert desk_settings(configured(gold={"share": 0.5})).gold_share == 0.0
    assert desk_settings(configured(gold={"share": 0.5, "file": "gold.csv"})).gold_share == 0.5

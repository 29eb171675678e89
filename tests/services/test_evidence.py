"""Evidence put together from what was found about a query."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamsel.records import Decision, Label, LogRecord, Opinion, Retraction
from streamsel.services.evidence.assembling import assemble
from streamsel.services.evidence.evidence import (
    BudgetThen,
    CapacityThen,
    Evidence,
    Guideline,
    Privacy,
)
from streamsel.services.evidence.material import Material
from tests.services.evidence_records import (
    ANSWERED_AT,
    CONFIGURATION,
    CONTENT,
    DECISION,
    KNOWN,
    LABEL,
    QUERY,
    TRACE,
    entry,
    held_out,
)

LATER = ANSWERED_AT + 0.01


def whole(*records: LogRecord, decision: Decision | None = DECISION, **more: object) -> Evidence:
    """From everything there can be, with these records at offsets 40, 41 …"""
    found = {
        "query_id": "q1",
        "decision": decision,
        "records": list(enumerate(records, start=40)),
        "entries": [entry("ana", "fraud", LATER, "lead")],
        "configurations": KNOWN,
        **more,
    }
    return assemble(Material(**found))  # type: ignore[arg-type]


def opinion(label: str, by: str, slot: int) -> Opinion:
    return Opinion("q1", "tx-1", label, by, ANSWERED_AT - 10.0, "overlap", slot, 2)


def test_everything_is_told() -> None:
    """Where it came from, what it was decided by, who answered, how sure that is, and what it served."""
    told = whole(LABEL)
    assert told.unknown == {}
    assert (told.event_id, told.source, told.decided_at) == ("tx-1", "events:0:20", QUERY.decided_at)
    assert told.traceparent == TRACE
    assert (told.lane, told.propensity, told.utility, told.threshold) == ("rule", 0.25, 0.75, 0.5)
    assert (told.model_version, told.probabilities) == (12, {"fine": 0.75, "fraud": 0.25})
    assert (told.model, told.acquisition_function) == (CONTENT["model"], "entropy")
    assert (told.window, told.candidates) == (200, 180)
    assert told.budget == BudgetThen(0.02, 0.05, "capacity")
    assert told.capacity == CapacityThen(7, 12.5, 3, 0.25)
    assert told.privacy == Privacy(("card",), ("email",), ("name",), ("note",))
    assert told.configuration == CONFIGURATION.configuration_id
    assert told.guideline == Guideline("2026-11", None, {"fraud": "The cardholder did not make it."})
    (answer,) = told.answers
    assert (answer.offset, answer.label, answer.by, answer.role) == (40, "fraud", "ana", "lead")
    assert (answer.seconds, answer.stands, answer.guideline_version) == (21.5, True, "2026-11")
    assert told.quality.resolution == "one reviewer's answer"
    assert (told.used_for.training, told.used_for.evaluation) == (True, True)


def test_rules_are_told_with_what_they_say() -> None:
    """A rule and a quota by their tables; a near-duplicate has none."""
    rules = whole(LABEL).rules
    assert rules is not None
    rule, quota, duplicate = rules
    assert rule.name == "large"
    assert rule.configured is not None
    assert (rule.configured["field"], rule.configured["op"], rule.configured["value"]) == ("amount", ">", 900)
    assert quota.name == "quota:lands:PT"
    assert quota.configured is not None
    assert (quota.configured["name"], quota.configured["least"]) == ("lands", 0.1)
    assert (duplicate.name, duplicate.configured) == ("duplicate", None)


def test_nothing_of_the_event_but_its_id_is_told() -> None:
    """Features and context are the query's, under its own protection."""
    assert "950" not in json.dumps(whole(LABEL).as_json())


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        ({"decision": None, "no_decision": "too old"}, {"threshold": "too old", "capacity": "too old"}),
        (
            {"decision": replace(DECISION, conditions=None)},
            {"budget": "its decision was made before this was recorded"},
        ),
        ({"configurations": {}}, {"privacy": f"configuration {CONFIGURATION.configuration_id} is not in"}),
        (
            {"decision": replace(DECISION, threshold=float("inf"))},
            {"threshold": "there was none: events with a rank by rule took the whole share"},
        ),
        ({"entries": [], "no_entries": "not looked for"}, {"guideline": "not looked for"}),
        ({"records": []}, {"guideline": "no answer is known"}),
        ({"records": [], "decision": None, "no_decision": "gone"}, {"event_id": "gone", "lane": "gone"}),
    ],
)
def test_what_is_not_known_has_its_reason(found: dict[str, object], reasons: dict[str, str]) -> None:
    """Each field that is null, and no other."""
    told = whole(LABEL, **found)  # type: ignore[arg-type]
    missing = {name for name in Evidence.__dataclass_fields__ if getattr(told, name) is None}
    assert missing == set(told.unknown)
    assert all(told.unknown.values())
    for name, reason in reasons.items():
        assert told.unknown[name].startswith(reason)


def test_without_its_decision_the_label_tells_what_it_carries() -> None:
    """Lane, propensity, prediction and model version; the query at the desk tells more."""
    told = whole(LABEL, decision=None, no_decision="gone")
    assert (told.event_id, told.lane, told.propensity, told.model_version) == ("tx-1", "rule", 0.25, 12)
    assert (told.utility, told.rules) == (None, None)
    told = whole(LABEL, decision=None, no_decision="gone", query=QUERY)
    assert told.utility == 0.75
    assert [rule.name for rule in told.rules or ()] == ["large", "quota:lands:PT", "duplicate"]


def test_a_query_fraction_as_large_as_the_budgets_allow_is_limited_by_them() -> None:
    """A smaller one is what reviewers could bear."""
    assert whole(decision=replace(DECISION, query_fraction=0.05)).budget == BudgetThen(0.05, 0.05, "budget")


def test_the_newest_revision_stands_and_what_was_taken_back_does_not() -> None:
    """Of answers in the log's order; the first of two equal revisions counts."""
    corrected = replace(LABEL, revision=2, label="fine", labelled_at=LATER)
    repeated = replace(corrected, label="fraud")
    told = whole(LABEL, corrected, repeated)
    assert [answer.stands for answer in told.answers] == [False, True, False]
    told = whole(LABEL, Retraction("q1", 2, "undone", "ana", LATER))
    assert [(one.kind, one.stands) for one in told.answers] == [("label", False), ("retraction", False)]
    assert told.quality.resolution == "no answer that stands"
    assert (told.used_for.training, told.used_for.evaluation) == (False, False)


def test_opinions_are_told_with_what_they_came_to() -> None:
    """Collected, agreed on, disputed, or decided by another."""
    two = (opinion("fraud", "ana", 1), opinion("fraud", "ben", 2))
    consensus = replace(LABEL, source="consensus", labelled_by="ana,ben", seconds=None)
    assert whole(two[0]).quality.resolution == "1 of 2 opinions"
    told = whole(*two, consensus).quality
    assert (told.resolution, told.opinions, told.agreeing) == ("2 opinions that are agreed on", 2, 2)
    differing = (opinion("fraud", "ana", 1), opinion("fine", "ben", 2))
    assert whole(*differing).quality.resolution == "2 opinions that are not agreed on"
    told = whole(*differing, replace(LABEL, labelled_by="lea")).quality
    assert (told.resolution, told.agreeing) == ("decided by lea after 2 opinions", 1)


def test_a_question_whose_answer_is_known_says_so() -> None:
    """With how many were right."""
    asked = Opinion("q1", "tx-1", "fraud", "ana", ANSWERED_AT, "gold", expected="fine")
    assert whole(asked).quality.resolution == "a question whose answer is known; 0 of 1 answers were right"


def test_the_role_is_that_of_the_answers_own_audit_entry() -> None:
    """Of the same name and label, not before the answer; of several the first."""
    entries = [
        entry("ben", "fraud", LATER, "admin"),
        entry("ana", "fine", LATER, "admin"),
        entry("ana", "fraud", LATER + 5.0, "admin"),
        entry("ana", "fraud", LATER, "reviewer"),
        entry("ana", "fraud", ANSWERED_AT - 5.0, "admin"),
    ]
    (answer,) = whole(LABEL, entries=entries).answers
    assert answer.role == "reviewer"


@pytest.mark.parametrize(
    ("label", "training", "evaluation", "reason"),
    [
        (held_out(), False, True, "training: no, it is held out"),
        (
            replace(LABEL, label="other"),
            False,
            True,
            "training: no, 'other' is none of the labels configured",
        ),
        (
            replace(LABEL, propensity=0.0),
            True,
            False,
            "evaluation: no, it was not drawn from the stream with a known probability",
        ),
        (
            replace(LABEL, probabilities={}),
            True,
            False,
            "evaluation: no, nothing was predicted when it was decided",
        ),
    ],
)
def test_what_a_query_was_used_for(label: Label, training: bool, evaluation: bool, reason: str) -> None:
    """Training, evaluation, both or neither, each with its reason."""
    used = whole(label).used_for
    assert (used.training, used.evaluation) == (training, evaluation)
    assert reason in used.reasons


def test_an_oracle_that_is_no_person_is_told_as_one() -> None:
    """Its opinion, and its label, whose source it names."""
    said = Opinion("q1", "tx-1", "fine", "gpt", ANSWERED_AT, "oracle")
    told = whole(said, replace(LABEL, source="model", labelled_by="gpt", propensity=0.0))
    assert [(one.kind, one.source, one.role) for one in told.answers] == [
        ("oracle", "oracle", None),
        ("label", "model", None),
    ]
    assert told.quality.resolution == "an answer of source model"
    assert (told.used_for.training, told.used_for.evaluation) == (True, False)


def test_a_model_that_a_directive_put_in_force_is_told() -> None:
    """Instead of the configured one."""
    assert whole(LABEL, model={"preset": "tree"}).model == {"preset": "tree"}


def test_what_directives_leave_out_trains_nothing() -> None:
    """The model was frozen or rolled back over its offset."""
    used = whole(LABEL, counts=lambda offset: offset != 40).used_for
    assert not used.training
    assert "a directive in the label log leaves it out" in used.reasons[0]

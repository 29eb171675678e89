"""Answers as the label log has them, with only what consensus and quality look at filled in."""

from __future__ import annotations

from streamsel.records import Label, LabelSource, Opinion, OpinionKind, Retraction


def opinion(
    label: str,
    by: str = "ann",
    slot: int = 1,
    *,
    query_id: str = "q1",
    slots: int = 3,
    kind: OpinionKind = "overlap",
    expected: str | None = None,
    revision: int = 1,
    seconds: float | None = 10.0,
) -> Opinion:
    return Opinion(
        query_id, f"event of {query_id}", label, by, 100.0, kind, slot, slots, seconds, expected, revision
    )


def gold(right: bool, by: str, number: int) -> Opinion:
    """The answer to one gold question."""
    label = "fine" if right else "fraud"
    return opinion(label, by, query_id=f"gold{number}", kind="gold", slots=1, expected="fine")


def answer(
    label: str = "fine",
    by: str = "ann",
    *,
    query_id: str = "q1",
    revision: int = 1,
    source: LabelSource = "reviewer",
    seconds: float | None = 10.0,
    labelled_at: float = 100.0,
) -> Label:
    return Label(
        query_id,
        revision,
        f"event of {query_id}",
        label,
        source,
        by,
        labelled_at,
        {},
        query_id,
        seconds=seconds,
    )


def taken_back(label_id: str, revision: int) -> Retraction:
    return Retraction(label_id, revision, "undone", "ann", 200.0)

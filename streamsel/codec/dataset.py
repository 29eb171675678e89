"""Labels as the rows of a table, and back: what ``streamsel labels export`` writes and ``import`` reads.

One column for each field of a label, then one for each probability (``probability.<label>``), segment
(``segment.<name>``) and feature (``feature.<name>``) that any of the labels has. A feature whose values are
not of one type stands as JSON, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from streamsel.codec.fields import Unreadable
from streamsel.codec.records import decode_log_record
from streamsel.records import Label, Value

Kind: TypeAlias = Literal["text", "integer", "number", "boolean", "json"]
"""``integer`` fits 64 bits; ``number`` is a double, or a whole number that a double holds exactly."""


class Column(NamedTuple):
    """One column of the table."""

    name: str
    kind: Kind


LARGEST_EXACT = 2**53
"""Up to here every whole number is a double."""

Row: TypeAlias = Sequence[Value]
"""One label's values, in the order of the columns."""

_FIELDS: tuple[Column, ...] = (
    Column("offset", "integer"),
    Column("label_id", "text"),
    Column("revision", "integer"),
    Column("event_id", "text"),
    Column("label", "text"),
    Column("source", "text"),
    Column("labelled_at", "number"),
    Column("query_id", "text"),
    Column("lane", "text"),
    Column("propensity", "number"),
    Column("weight", "number"),
    Column("model_version", "integer"),
    Column("decided_at", "number"),
    Column("seconds", "number"),
)
_REVIEWER = Column("labelled_by", "text")
_GROUPS = {"probability": "probabilities", "segment": "segments", "feature": "features"}
_LARGEST_INTEGER = 2**63


@dataclass(frozen=True, slots=True)
class Table:
    """The columns, and how a label becomes a row of them."""

    columns: tuple[Column, ...]

    def row(self, offset: int, label: Label) -> Row:
        """``weight`` is the inverse of the propensity; empty of a label that was not sampled, as a seed's."""
        cells: dict[str, Value] = {
            "offset": offset,
            "label_id": label.label_id,
            "revision": label.revision,
            "event_id": label.event_id,
            "label": label.label,
            "source": label.source,
            "labelled_by": label.labelled_by,
            "labelled_at": label.labelled_at,
            "query_id": label.query_id,
            "lane": label.lane,
            "propensity": label.propensity,
            "weight": 1.0 / label.propensity if label.propensity > 0 else None,
            "model_version": label.model_version,
            "decided_at": label.decided_at,
            "seconds": label.seconds,
        }
        for group, members in _groups(label):
            cells.update((f"{group}.{name}", value) for name, value in members.items())
        return [cells.get(column.name) for column in self.columns]


class Columns:
    """Finds the columns of labels that go by."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}
        """By column, the types of its values."""

    def see(self, label: Label) -> None:
        """One more label."""
        for group, members in _groups(label):
            for name, value in members.items():
                if value is not None:
                    self._seen.setdefault(f"{group}.{name}", set()).add(_type_of(value))

    def table(self, *, reviewers: bool) -> Table:
        """``reviewers``: with their names."""
        found = tuple(
            Column(name, _kind_of(self._seen[name]))
            for name in sorted(self._seen, key=lambda name: (list(_GROUPS).index(name.split(".")[0]), name))
        )
        return Table((*_FIELDS, *((_REVIEWER,) if reviewers else ()), *found))


def label_of(row: Mapping[str, Any]) -> Label:
    """The label that a row tells of. Columns of other names are passed over, as are ``offset`` and
    ``weight``, which the log it goes into and the propensity tell. Raises ``Unreadable`` naming the field."""
    fields: dict[str, Any] = {
        "kind": "label",
        "revision": 1,
        "source": "seed",
        "labelled_by": "",
        "probabilities": {},
        "segments": {},
        "features": {},
    }
    for name, value in row.items():
        group, dot, member = name.partition(".")
        if value is None:
            continue
        if dot and group in _GROUPS:
            fields[_GROUPS[group]][member] = value
        else:
            fields[name] = value
    label = decode_log_record(fields)
    if not isinstance(label, Label):
        raise Unreadable("unreadable_label", "column 'kind' must be left out, or 'label'")
    return label


def _groups(label: Label) -> tuple[tuple[str, Mapping[str, Value]], ...]:
    return ("probability", label.probabilities), ("segment", label.segments), ("feature", label.features)


def _type_of(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return _type_of_integer(value)
        case float():
            return "number"
        case _:
            # An empty cell of a CSV file is no value at all, and so no text.
            return "text" if value else "json"


def _type_of_integer(value: int) -> str:
    if abs(value) <= LARGEST_EXACT:
        return "integer"
    return "large" if -_LARGEST_INTEGER <= value < _LARGEST_INTEGER else "json"


def _kind_of(types: set[str]) -> Kind:
    match sorted(types):
        case ["boolean"]:
            return "boolean"
        case ["integer"] | ["large"] | ["integer", "large"]:
            return "integer"
        case ["number"] | ["integer", "number"]:
            return "number"
        case ["text"]:
            return "text"
    return "json"

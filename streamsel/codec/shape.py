"""The fields that a stream's events have in common, and how to read them without a dictionary an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated, Any, TypeAlias

import msgspec
import orjson
from msgspec.structs import astuple

from streamsel.codec.privacy import Privacy

Row: TypeAlias = tuple[Any, ...]
"""One event's values, in the order of the shape's fields."""

_MOST_TYPED = 1_000
"""Fields. Where they stand in another order than here, each is looked for among all of them."""

# What both decoders read alike; anything else is left to the one that reads event by event.
_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Scalar = _Integer | float | bool | str | None
_Field = _Scalar | list[_Scalar]


@dataclass(frozen=True, slots=True)
class Shape:
    """A flat event's fields, in the order in which it had them. An event of this shape has just these."""

    fields: tuple[str, ...]
    names: tuple[str, ...]
    """Of the features, sorted."""
    features: Callable[[Row], Row]
    """In the order of their names."""
    places: Mapping[str, int]
    """By field."""
    pick: Callable[[Mapping[str, Any]], Row]
    typed: Callable[[bytes], Any] | None
    """Decodes into a structure made for these fields, in half the time of a dictionary; raises for others."""

    @classmethod
    def of(cls, fields: tuple[str, ...], names: tuple[str, ...]) -> Shape:
        """Of an event with these fields, at least two of which are features."""
        places = {field: place for place, field in enumerate(fields)}
        return cls(
            fields,
            names,
            itemgetter(*(places[name] for name in names)),
            places,
            itemgetter(*fields),
            _typed(fields),
        )

    def rows(self, payloads: Sequence[bytes]) -> list[Row]:
        """One for each. Raises ``ValueError``, ``KeyError``, ``TypeError`` or ``MsgspecError`` when one is
        not of this shape, or is nothing to be read in haste; one with a field that stands twice may pass."""
        if self.typed is not None and tuple(orjson.loads(payloads[0])) == self.fields:
            return list(map(astuple, map(self.typed, payloads)))
        events = list(map(orjson.loads, payloads))
        if set(map(len, events)) != {len(self.fields)}:
            raise KeyError("another number of fields")
        return list(map(self.pick, events))

    def admitted(self, rows: Sequence[Row], privacy: Privacy) -> list[Row]:
        """As ``privacy`` leaves them; what it takes out is ``None``. Raises ``Unreadable``."""
        events = (privacy.admitted(dict(zip(self.fields, row, strict=True))) for row in rows)
        return [tuple(map(event.get, self.fields)) for event in events]

    def column(self, rows: Sequence[Row], field: str | None) -> list[Any]:
        """The values of one field; ``None`` where there is no such field."""
        place = None if field is None else self.places.get(field)
        return [None] * len(rows) if place is None else [row[place] for row in rows]


def _typed(fields: tuple[str, ...]) -> Callable[[bytes], Any] | None:
    """``None`` for fields that no structure can have: too many, or of a name that JSON must escape."""
    if len(fields) > _MOST_TYPED:
        return None
    attributes = {f"field_{place}": field for place, field in enumerate(fields)}
    try:
        event = msgspec.defstruct(
            "Event",
            [(attribute, _Field) for attribute in attributes],
            rename=attributes,
            forbid_unknown_fields=True,
            gc=False,
        )
    except ValueError:
        return None
    return msgspec.json.Decoder(event).decode

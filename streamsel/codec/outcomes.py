"""What happened to an event in the end, as JSON: ``{"id", "label", "at", "features"}``; what else is in it is
passed over.

``id`` is the event's, under whatever name its stream has for it; ``at`` is when it became known, in seconds
or milliseconds since 1970 or ISO 8601; ``features``, for events nobody was asked about, is the event, or what
of it the model learns from. The last two may be left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from streamsel.codec.events import RawRecord
from streamsel.codec.fields import Unreadable
from streamsel.codec.layout import Layout, shown
from streamsel.codec.poison import parse
from streamsel.records import DeadLetter, Source, Value


@dataclass(frozen=True, slots=True)
class Outcome:
    """``at`` in seconds since the epoch."""

    event_id: str
    label: str
    at: float | None = None
    features: Mapping[str, Value] | None = None
    segments: Mapping[str, str] = field(default_factory=dict)


class OutcomeDecoder:
    """Reads outcomes of a stream with this ``layout``; ``max_bytes`` bounds a payload."""

    def __init__(self, layout: Layout, labels: Sequence[str], max_bytes: int = 1_000_000) -> None:
        self._layout = layout
        self._envelope = replace(layout, id="id", timestamp="at")
        self._labels = labels
        self._max_bytes = max_bytes

    def decode(self, content: bytes | None) -> Outcome:
        """Raises ``Unreadable`` with a reason fit for a dead letter."""
        fields = parse(content, self._max_bytes)
        label = fields.get("label")
        if not isinstance(label, str) or label not in self._labels:
            known = ", ".join(self._labels)
            raise Unreadable("unknown_label", f"label is {shown(label)}; the labels are {known}")
        event_id = self._envelope.event_id(fields)
        if event_id is None:
            raise Unreadable("wrong_type", "field 'id' is missing; it must be the event's id")
        at = self._envelope.event_time(fields)
        if fields.get("features") is None:
            return Outcome(event_id, label, at)
        event = self._event(fields["features"])
        layout = self._layout
        return Outcome(event_id, label, at, layout.event_features(event), layout.event_segments(event))

    def letter(self, record: RawRecord, unreadable: Unreadable, now: float) -> DeadLetter:
        """For a record that can't be used. Of a stream with fields to hide it holds no payload."""
        payload, detail = (record.value or b"")[: self._max_bytes], unreadable.detail
        if self._layout.privacy:
            payload = b""
            detail = "withheld, as the payload is, for fields of this stream are redacted or hashed"
        source = Source(record.topic, record.partition, record.offset)
        return DeadLetter(unreadable.reason, detail, source, payload, now)

    def _event(self, given: Any) -> Mapping[str, Any]:
        if not isinstance(given, dict):
            raise Unreadable("wrong_type", f"features is {shown(given)}; it must be an object")
        privacy = self._layout.privacy
        return privacy.admitted(given) if privacy else given

"""Labels read at once, where they are just as they are written here: rebuilding a model reads millions."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from streamsel.codec.trace_context import traceparent_of
from streamsel.records import Label, LabelSource, Lane

Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""Beyond, what JSON calls a number is a float to one reader and none to another."""


class _Written(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A label's fields, in the order of ``Label``; the last alone may be left out."""

    label_id: str
    revision: Whole
    event_id: str
    label: str
    source: LabelSource
    labelled_by: str
    labelled_at: float
    features: dict[str, float | Whole | bool | str | None]
    query_id: str | None
    lane: Lane
    propensity: float
    probabilities: dict[str, float]
    model_version: Whole
    decided_at: float | None
    segments: dict[str, str]
    seconds: float | None
    kind: str
    v: int
    traceparent: str | None = None


_DECODER = msgspec.json.Decoder(_Written)


def plain_label(content: bytes) -> Label | None:
    """``None`` for anything else than a label, and for one that is written otherwise or can't be read: it is
    read field by field, by ``Fields``, to the same or to what is wrong with it."""
    try:
        read = _DECODER.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if read.kind != "label":
        return None
    names = list(read.features)
    return Label(
        read.label_id,
        read.revision,
        read.event_id,
        read.label,
        read.source,
        read.labelled_by,
        read.labelled_at,
        read.features if names == sorted(names) else dict(sorted(read.features.items())),
        read.query_id,
        read.lane,
        read.propensity,
        read.probabilities,
        read.model_version,
        read.decided_at,
        read.segments,
        read.seconds,
        traceparent_of(read.traceparent),
    )

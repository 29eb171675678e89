"""Labels read at once, where they are just as they are written here: rebuilding a model reads millions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from streamsel.records import Label

_TYPES: Mapping[str, tuple[type, ...]] = {
    "kind": (str,),
    "v": (int,),
    "label_id": (str,),
    "revision": (int,),
    "event_id": (str,),
    "label": (str,),
    "source": (str,),
    "labelled_by": (str,),
    "labelled_at": (float,),
    "query_id": (str, type(None)),
    "lane": (str,),
    "propensity": (float,),
    "probabilities": (dict,),
    "model_version": (int,),
    "decided_at": (float, type(None)),
    "segments": (dict,),
    "seconds": (float, type(None)),
    "features": (dict,),
}
"""Of each field, in the order in which they are written."""
_NAMES = tuple(_TYPES)
_WRITTEN = frozenset(product(*_TYPES.values()))
_VALUES = frozenset((float, int, bool, str, type(None)))
_FLOATS, _STRINGS = frozenset((float,)), frozenset((str,))


def plain_label(content: Mapping[str, Any], sources: tuple[str, ...], lanes: tuple[str, ...]) -> Label | None:
    """``None`` for a label that is anything else: it is read field by field, by ``Fields``, to the same."""
    values = tuple(content.values())
    if tuple(content) != _NAMES or tuple(map(type, values)) not in _WRITTEN:
        return None
    (_, _, label_id, revision, event_id, label, source, labelled_by, labelled_at, query_id, lane) = values[
        :11
    ]
    (propensity, probabilities, model_version, decided_at, segments, seconds, features) = values[11:]
    names = list(features)
    if (
        source not in sources
        or lane not in lanes
        or names != sorted(names)
        or not _VALUES.issuperset(map(type, features.values()))
        or not _FLOATS.issuperset(map(type, probabilities.values()))
        or not _STRINGS.issuperset(map(type, segments.values()))
    ):
        return None
    return Label(
        label_id,
        revision,
        event_id,
        label,
        source,
        labelled_by,
        labelled_at,
        features,
        query_id,
        lane,
        propensity,
        probabilities,
        model_version,
        decided_at,
        segments,
        seconds,
    )

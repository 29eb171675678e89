"""What differs between two datasets, label by label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import orjson
import xxhash

from streamsel.codec.dataset import LARGEST_EXACT
from streamsel.records import Label

_ELSEWHERE = ("offset", "model_version", "labelled_by")
"""What depends on the log a label lies in, and the reviewer's name, which not every dataset has."""


class Version(NamedTuple):
    """One label as one of the datasets has it."""

    revision: int
    label: str
    content: int
    """A hash of all there is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is in one dataset and not so in the other: versions by label id, in the datasets' order."""

    added: Mapping[str, Version]
    removed: Mapping[str, Version]
    changed: Mapping[str, tuple[Version, Version]]
    unchanged: int

    @property
    def same(self) -> bool:
        return not (self.added or self.removed or self.changed)


def version_of(label: Label) -> Version:
    """Of the label, whatever log or file it came from."""
    fields = {name: _plain(value) for name, value in asdict(label).items() if name not in _ELSEWHERE}
    content = xxhash.xxh3_64_intdigest(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS))
    return Version(label.revision, label.label, content)


def difference(before: Mapping[str, Version], after: Mapping[str, Version]) -> Difference:
    """From one dataset to the other."""
    changed = {
        label_id: (version, after[label_id])
        for label_id, version in before.items()
        if label_id in after and after[label_id] != version
    }
    return Difference(
        added={label_id: version for label_id, version in after.items() if label_id not in before},
        removed={label_id: version for label_id, version in before.items() if label_id not in after},
        changed=changed,
        unchanged=len(before.keys() & after.keys()) - len(changed),
    )


def _plain(value: Any) -> Any:
    """One and the same for what a file may tell in two ways: whole numbers, and missing ones."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_EXACT:
        return float(value)
    return value

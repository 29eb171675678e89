"""What a model is: the few facts from which every replica builds the same one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b

GENERATION = 5
"""Grows when a release changes what a preset computes, and with it every spec hash."""

PRESETS = ("logistic", "tree", "forest", "portfolio", "text")
COMMITTEES = ("forest", "portfolio", "text")
"""Presets with members of their own."""
MOST_COPIES = 10


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model before its first label. Raises ``ValueError`` naming the value and what would be right."""

    labels: tuple[str, ...]
    """Two or more, in the order in which probabilities are given; of two, the second is the positive one."""
    preset: str | None = "logistic"
    """One of ``PRESETS``; without meaning when there is a ``factory``."""
    factory: str | None = None
    """``package.module:function``, called with ``(labels, seed)``; see ``presets.build``."""
    seed: int = 1
    text: str | None = None
    """The feature that holds free text; every other string is a category."""
    copies: int = 0
    """0 for one model, 2 to 10 for a committee of bagged copies of it (see ``BaggedCopies``)."""

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels) or not all(self.labels):
            raise ValueError(f"labels must be two or more different names, not {list(self.labels)}")
        if self.factory is None and self.preset not in PRESETS:
            raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {self.preset!r}")
        if self.copies != 0 and not 2 <= self.copies <= MOST_COPIES:
            raise ValueError(f"copies must be 0 or from 2 to {MOST_COPIES}, not {self.copies}")
        if self.copies and self.factory is None and self.preset in COMMITTEES:
            raise ValueError(f"preset {self.preset!r} is a committee already; copies must be 0")

    @property
    def has_members(self) -> bool:
        """Whether it is a committee; of a factory's model that is not known beforehand, and taken for so."""
        return self.factory is not None or self.copies > 0 or self.preset in COMMITTEES

    @property
    def spec_hash(self) -> str:
        """128 bits of BLAKE2b, in hex, over everything that decides what the model computes."""
        facts = asdict(self) | {"generation": GENERATION}
        if self.factory is not None:
            del facts["preset"]
        content = json.dumps(facts, sort_keys=True, ensure_ascii=True)
        return blake2b(content.encode(), digest_size=16).hexdigest()


def unknown_label(label: str, labels: tuple[str, ...]) -> str:
    """A sentence on a label that is not one of the spec's."""
    return f"'{label}' is not one of the labels {', '.join(labels)}"

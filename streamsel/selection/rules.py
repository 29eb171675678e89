"""Business rules: which events are always or never asked about, by what is in them.

A missing value makes every comparison false but ``absent``. Booleans are the numbers 0 and 1; numbers are
ordered among numbers and texts among texts, and neither equals the other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from streamsel.records import Value
from streamsel.selection.fields import Fields
from streamsel.selection.ruling import NEVER

Mask: TypeAlias = NDArray[np.bool_]
Operator: TypeAlias = Literal[
    "==", "!=", "<", "<=", ">", ">=", "in", "not in", "contains", "present", "absent"
]

FIRST_ALWAYS = 2.0
"""The rank of the always rules of the lowest priority; those of each higher one stand one above."""

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EXACT = 2.0**53
"""Below it, comparing with a number in floating point is exact whatever integer it is compared with."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """``field op value``; the value is a tuple for ``in`` and ``not in``, and unused for ``present`` and
    ``absent``."""

    field: str
    op: Operator
    value: Value | tuple[Value, ...] = None

    def fields(self) -> Iterator[str]:
        """The names it looks at."""
        yield self.field

    def holds(self, fields: Fields) -> Mask:
        """Of shape (events,)."""
        compare = _COMPARISONS.get(self.op)
        numbers = fields.numbers(self.field) if compare else None
        if (
            compare
            and numbers is not None
            and isinstance(self.value, int | float)
            and abs(self.value) < _EXACT
        ):
            holds: Mask = compare(numbers, float(self.value)) & ~np.isnan(numbers)
            return holds
        column = fields.column(self.field)
        # Each different value is looked at once; NaN, which is missing too, is unequal to itself.
        true = {
            value for value in set(column) if value is not None and value == value and self._is_true_of(value)
        }
        among = np.fromiter((value in true for value in column), np.bool_, len(column))
        return ~among if self.op == "absent" else among

    def _is_true_of(self, found: Value) -> bool:
        """For ``absent`` the opposite."""
        value: Any = self.value
        match self.op:
            case "present" | "absent":
                return True
            case "in":
                return found in value
            case "not in":
                return found not in value
            case "contains":
                return isinstance(found, str) and value in found
            case "==" | "!=":
                return bool(_COMPARISONS[self.op](found, value))
            case _:
                alike = isinstance(found, str) is isinstance(value, str)
                return alike and bool(_COMPARISONS[self.op](found, value))


@dataclass(frozen=True, slots=True)
class Combination:
    """True where all, or any, of its conditions are."""

    join: Literal["all", "any"]
    conditions: tuple[Condition, ...]

    def fields(self) -> Iterator[str]:
        """The names it looks at."""
        for condition in self.conditions:
            yield from condition.fields()

    def holds(self, fields: Fields) -> Mask:
        """Of shape (events,)."""
        join = np.logical_and if self.join == "all" else np.logical_or
        holds: Mask = join.reduce([condition.holds(fields) for condition in self.conditions])
        return holds


Condition: TypeAlias = Comparison | Combination


@dataclass(frozen=True, slots=True)
class Rule:
    """Events that are always, or never, asked about."""

    name: str
    ask: Literal["always", "never"]
    condition: Condition
    priority: int = 0
    """Of rules that contradict each other on an event the highest counts, and at equal priority ``never``.
    Events that are always asked about come in this order when not all can be."""


class Rules:
    """All rules, in the order in which they count."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        ascending = sorted({rule.priority for rule in rules if rule.ask == "always"})
        ranks = {priority: FIRST_ALWAYS + place for place, priority in enumerate(ascending)}
        stages = sorted(
            {(rule.priority, rule.ask) for rule in rules}, key=lambda stage: (-stage[0], stage[1] != "never")
        )
        self._stages = [
            (
                ranks[priority] if ask == "always" else NEVER,
                [rule for rule in rules if (rule.priority, rule.ask) == (priority, ask)],
            )
            for priority, ask in stages
        ]

    def apply(self, fields: Fields) -> tuple[NDArray[np.float64], dict[int, tuple[str, ...]]]:
        """Ranks of shape (events,), and by row the names of the rules that gave a rank other than 0."""
        ranks = np.zeros(len(fields))
        reasons: dict[int, tuple[str, ...]] = {}
        for rank, rules in self._stages:
            open_still = ranks == 0.0
            for rule in rules:
                hit = rule.condition.holds(fields) & open_still
                ranks[hit] = rank
                for row in np.flatnonzero(hit).tolist():
                    reasons[row] = (*reasons.get(row, ()), rule.name)
        return ranks, reasons

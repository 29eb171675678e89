"""The tables of ``[select]`` that say which events come first, or not at all, and what a query costs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from streamsel.config.base import Section, nearest
from streamsel.selection.constraints import DUPLICATE
from streamsel.selection.costs import Costs
from streamsel.selection.quotas import MOST_GROUPS, Quota
from streamsel.selection.rules import Combination, Comparison, Condition, Operator, Rule

Scalar = bool | int | float | str
Factor = Annotated[float, Field(gt=0.0, le=1e6)]
Name = Annotated[str, Field(pattern=r"^[\w. -]{1,64}$")]


class NamedTable(Section):
    """One of an array of tables: mistakes in it are told by its name, whichever source it came from."""

    name: Name = Field(description="Named in every decision that it changed.")

    @model_validator(mode="wrap")
    @classmethod
    def _told_by_name(cls, given: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(given)
        except ValidationError as error:
            name = given.get("name") if isinstance(given, dict) else None
            of_whom = f"'{name}': " if name is not None else ""
            told = [_sentence(mistake, list(cls.model_fields)) for mistake in error.errors()]
            raise ValueError(of_whom + "; ".join(told)) from None


class ConditionTable(Section):
    """``field``, ``op`` and ``value``; or ``all_of`` or ``any_of`` with a list of such."""

    field: str | None = Field(
        None, min_length=1, description="A feature, a segment, predicted_class or confidence."
    )
    op: Operator | None = Field(None, description="A missing field makes every one false but absent.")
    value: Scalar | list[Scalar] | None = Field(None, description="A list for in and not in.")
    all_of: list[ConditionTable] | None = Field(None, min_length=1)
    any_of: list[ConditionTable] | None = Field(None, min_length=1)

    @field_validator("value", mode="before")
    @classmethod
    def _scalar(cls, value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        if not all(_is_scalar(one) for one in values):
            raise ValueError("must be a finite number, a boolean, a text, or a list of such")
        return value

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        compares = self.field is not None or self.op is not None or self.value is not None
        if [compares, self.all_of is not None, self.any_of is not None].count(True) != 1:
            raise ValueError("must have either field and op, or all_of, or any_of")
        if not compares:
            return self
        if self.field is None:
            raise ValueError("field is missing; it names what op and value are about")
        fits, wanted = {
            None: (False, f"one of {', '.join(get_args(Operator))} as op"),
            "in": (isinstance(self.value, list), "a list of values"),
            "not in": (isinstance(self.value, list), "a list of values"),
            "contains": (isinstance(self.value, str), "a text as value"),
            "present": (self.value is None, "no value"),
            "absent": (self.value is None, "no value"),
        }.get(self.op, (isinstance(self.value, Scalar), "a number, a boolean or a text as value"))
        if not fits:
            comparison = f"'{self.field}'" if self.op is None else f"'{self.field} {self.op}'"
            raise ValueError(
                f"{comparison} takes {wanted}" + ("" if self.value is None else f", not {self.value!r}")
            )
        return self

    def comparisons(self) -> Iterator[Comparison]:
        """Every one in it, however deep."""
        for condition in (*(self.all_of or ()), *(self.any_of or ())):
            yield from condition.comparisons()
        if self.field is not None and self.op is not None:
            value = tuple(self.value) if isinstance(self.value, list) else self.value
            yield Comparison(self.field, self.op, value)

    def condition(self) -> Condition:
        """As the selection takes it."""
        if self.all_of is not None:
            return Combination("all", tuple(one.condition() for one in self.all_of))
        if self.any_of is not None:
            return Combination("any", tuple(one.condition() for one in self.any_of))
        return next(self.comparisons())


class RuleTable(NamedTable, ConditionTable):
    """``[[select.rules]]``: events that are always, or never, asked about."""

    ask: Literal["always", "never"]
    priority: int = Field(
        0, description="Of rules that contradict each other the highest counts; at equal priority, never."
    )

    @field_validator("name")
    @classmethod
    def _not_taken(cls, name: str) -> str:
        if name == DUPLICATE:
            raise ValueError("is what near-duplicates are named for; choose another")
        return name

    def rule(self) -> Rule:
        """As the selection takes it."""
        return Rule(self.name, self.ask, self.condition(), self.priority)


class QuotaTable(NamedTable):
    """``[[select.quotas]]``: the least share of queries for each group of events."""

    segment: str = Field(description="One of the stream's segments, or predicted_class.")
    least: float = Field(gt=0.0, le=1.0, description="Share of the queries each group gets at least.")
    values: list[str] = Field(
        [], max_length=MOST_GROUPS, description="The groups meant; none for all seen in the last window."
    )

    @field_validator("values")
    @classmethod
    def _possible(cls, values: list[str], others: ValidationInfo) -> list[str]:
        if len(set(values)) < len(values):
            raise ValueError("must be distinct")
        least = others.data.get("least", 0.0)
        if least * len(values) > 1.0 + 1e-9:
            raise ValueError(
                f"{len(values)} groups cannot each have {least:g} of the queries, only {1 / len(values):.3g}"
            )
        return values

    def quota(self) -> Quota:
        """As the selection takes it."""
        return Quota(self.name, self.segment, self.least, tuple(self.values))


class CostsTable(Section):
    """``[select.costs]``: what a query costs, in any money, and which cost more or less."""

    default: Factor = Field(1.0, description="Money for an ordinary query.")
    oracle: dict[str, Factor] = Field(
        {}, description="Money for an ordinary query to an oracle; the reviewers are 'reviewer'."
    )
    label: dict[str, Factor] = Field(
        {}, description="By label, how many times the ordinary cost; counted by its predicted probability."
    )
    segment: dict[str, dict[str, Factor]] = Field(
        {}, description="By segment and value, how many times the ordinary cost."
    )

    def costs(self) -> Costs:
        """As the selection takes it."""
        return Costs(self.default, self.oracle, self.label, self.segment)


def _is_scalar(value: object) -> bool:
    return value is None or (
        isinstance(value, Scalar) and (not isinstance(value, float) or math.isfinite(value))
    )


def _sentence(mistake: Any, known: list[str]) -> str:
    """One mistake in a table: the key, what it must be, and what it is."""
    place = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        return f"{place}: unknown key{nearest(str(mistake['loc'][-1]), known)}"
    given = "" if isinstance(mistake["input"], dict | Section) else f" (it is {mistake['input']!r})"
    said = mistake["msg"].removeprefix("Value error, ") + given
    return f"{place}: {said}" if place else said

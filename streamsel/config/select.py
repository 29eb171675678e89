"""The section ``[select]``: which events are asked about, and what constrains that."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from streamsel.config.base import Positive, Section, Share, nearest
from streamsel.config.constraints import CostsTable, NamedTable, QuotaTable, RuleTable
from streamsel.config.plateau import PlateauTable
from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.selection.constraints import ConstraintSettings
from streamsel.selection.fields import PREDICTED, PREDICTED_CLASS
from streamsel.selection.rules import Comparison

STRATEGIES = (*(name for name in ACQUISITIONS if name != "hybrid"), "hybrid")


@dataclass(frozen=True, slots=True)
class Known:
    """What the other sections say of events: the names that rules, quotas and costs may use."""

    features: Collection[str] | None
    """``None``: every field but those hidden."""
    hidden: Collection[str]
    """Fields that are no features, with all that lies in them."""
    segments: Collection[str]
    labels: Collection[str]

    def is_feature(self, field: str) -> bool:
        """Whether events may have such a feature."""
        if self.features is not None:
            return field in self.features
        return not any(field == path or field.startswith(f"{path}.") for path in self.hidden)


class Select(Section):
    """Which events are asked about."""

    strategy: str = Field(
        "hybrid", description="How utility is measured: a strategy's name, or package.module:object."
    )
    budget: float = Field(
        0.05,
        gt=0.0,
        le=1.0,
        description="Largest share of events ever asked about; capacity may set a smaller one.",
    )
    labels_per_hour: float | None = Field(
        None, gt=0.0, description="Most queries an hour; of all budgets the smallest counts."
    )
    money_per_day: float | None = Field(
        None, gt=0.0, description="Most money for queries a day, as costs are given; the smallest counts."
    )
    explore: Share = Field(
        0.2,
        description="Least share of the queries drawn at random, for honest evaluation and the unforeseen; "
        "hybrid draws more while a class is rare.",
    )
    holdout: Share = Field(
        0.0,
        description="Share of the events drawn at random for evaluation alone: no model ever learns from "
        "their labels. Part of the budget; where reviewers can bear less than that, it shrinks alike.",
    )
    window: Positive = Field(500, description="Recent events whose utilities set the threshold.")
    rules: list[RuleTable] = Field([], description="Events always, or never, asked about.")
    quotas: list[QuotaTable] = Field([], description="Least shares of queries, by segment or prediction.")
    costs: CostsTable = Field(CostsTable(), description="What queries cost; utility is weighed against it.")
    duplicates: int = Field(
        3, ge=0, description="How often one pattern is asked about within a window; 0: as often as it comes."
    )
    plateau: PlateauTable | None = Field(
        None, description="With it, only exploration is asked about once labels have stopped to pay."
    )
    seed: int = Field(0, ge=0, description="Of the random draws.")
    on_desk_outage: Literal["pause", "shed"] = Field(
        "pause", description="While the desk is unreachable: pause the stream, or go on without queries."
    )

    @field_validator("strategy")
    @classmethod
    def _known_strategy(cls, strategy: str) -> str:
        if strategy not in STRATEGIES and not re.fullmatch(r"[\w.]+:[\w.]+", strategy):
            raise ValueError(
                f"must be the name of a strategy or package.module:object{nearest(strategy, STRATEGIES)}"
            )
        return strategy

    @field_validator("rules", "quotas")
    @classmethod
    def _distinct(cls, tables: list[NamedTable]) -> list[NamedTable]:
        names = [table.name for table in tables]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the name '{name}' stands twice; decisions are explained by it")
        return tables

    @model_validator(mode="after")
    def _within_budget(self) -> Self:
        if self.holdout > self.budget:
            raise ValueError(
                f"holdout is {self.holdout} and budget {self.budget}; what is held out is part of the budget"
            )
        return self

    def constraints(self) -> ConstraintSettings:
        """As the selection takes them."""
        return ConstraintSettings(
            rules=tuple(table.rule() for table in self.rules),
            quotas=tuple(table.quota() for table in self.quotas),
            costs=self.costs.costs(),
            duplicates=self.duplicates,
            window=self.window,
        )

    def check(self, known: Known) -> None:
        """Raises ``ValueError`` when a rule, quota or cost is about what no event can have."""
        for rule in self.rules:
            for comparison in rule.comparisons():
                _check_comparison(comparison, known, f"select.rules: '{rule.name}'")
        for quota in self.quotas:
            place = f"select.quotas: '{quota.name}'"
            if quota.segment != PREDICTED_CLASS:
                _check_among(quota.segment, known.segments, "segment", f"{place}: segment", PREDICTED_CLASS)
            else:
                for value in quota.values:
                    _check_among(value, known.labels, "label", f"{place}: values")
        for label in self.costs.label:
            _check_among(label, known.labels, "label", "select.costs.label")
        for segment in self.costs.segment:
            _check_among(segment, known.segments, "segment", "select.costs.segment")


def _check_comparison(comparison: Comparison, known: Known, place: str) -> None:
    field, value = comparison.field, comparison.value
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    if field == PREDICTED_CLASS:
        if comparison.op in ("==", "!=", "in", "not in"):
            for one in values:
                _check_among(str(one), known.labels, "label", f"{place}: value")
    elif field not in PREDICTED and not known.is_feature(field):
        if field not in known.segments:
            raise ValueError(
                f"{place}: field '{field}' is neither a feature nor a segment"
                + nearest(field, [*(known.features or ()), *known.segments, *sorted(PREDICTED)])
            )
        if not all(isinstance(one, str) for one in values):
            raise ValueError(f"{place}: the segment '{field}' is text; quote its value, not {value!r}")


def _check_among(name: str, known: Collection[str], kind: str, place: str, *others: str) -> None:
    if name not in known:
        end = nearest(name, [*known, *others]) if known or others else "; there are none"
        raise ValueError(f"{place} '{name}' is no {kind}{end}")

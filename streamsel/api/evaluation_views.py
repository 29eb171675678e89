"""How good the model is, as leads get it under ``/v1``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field

from streamsel.api.views import View
from streamsel.learning.evaluation.aipw import Estimate
from streamsel.learning.evaluation.evaluation import CellQuality, WindowQuality
from streamsel.learning.evaluation.rounds import Round
from streamsel.services.evaluating import Quality

if TYPE_CHECKING:
    from streamsel.learning.drift import Drift


class EstimateView(View):
    """A value with its 95 % interval; null where there is nothing to tell from."""

    value: float | None = Field(examples=[0.942])
    low: float | None = Field(examples=[0.921])
    high: float | None = Field(examples=[0.963])

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """JSON has no NaN."""
        return cls(**{name: _known(value) for name, value in estimate._asdict().items()})


class CellView(View):
    """The whole stream, or one segment of it."""

    events: int = Field(description="Decided in the window, predicted and within reach.", examples=[18_200])
    unpredicted: int = Field(description="Beside them, those the model said nothing about.", examples=[0])
    unreached: int = Field(description="Those that could not have been asked about.", examples=[120])
    asked: int = Field(examples=[410])
    answered: int = Field(description="The rest is missing; intervals are the wider for it.", examples=[392])
    measures: dict[str, EstimateView] = Field(
        description="By name: accuracy, recall, log_loss and so on.",
        examples=[{"accuracy": {"value": 0.942, "low": 0.921, "high": 0.963}}],
    )

    @classmethod
    def of(cls, cell: CellQuality) -> Self:
        """As it was estimated."""
        return cls(
            events=cell.events,
            unpredicted=cell.unpredicted,
            unreached=cell.unreached,
            asked=cell.asked,
            answered=cell.answered,
            measures=_views(cell.measures),
        )


class WindowView(View):
    """The events decided in a window; times in seconds since 1970."""

    since: float = Field(examples=[1767222000.0])
    until: float = Field(description="Younger queries may still be answered.", examples=[1767225600.0])
    whole: CellView
    prequential: dict[str, float | None] = Field(
        description="Of the labels alone, as though they were the stream: biased, for they were chosen.",
        examples=[{"accuracy": 0.81, "log_loss": 0.45}],
    )
    held_out: EstimateView = Field(
        description="Accuracy of the labels held out alone, each counting once: no model learned from any."
    )
    labels: dict[str, dict[str, EstimateView]] = Field(
        description="Each label against the others.",
        examples=[{"fraud": {"recall": {"value": 0.71, "low": 0.58, "high": 0.84}}}],
    )
    segments: dict[str, CellView] = Field(description="By field=value.", examples=[{}])

    @classmethod
    def of(cls, window: WindowQuality) -> Self:
        """As it was estimated."""
        return cls(
            since=window.since,
            until=window.until,
            whole=CellView.of(window.whole),
            prequential={name: _known(value) for name, value in window.prequential.items()},
            held_out=EstimateView.of(window.held_out),
            labels={label: _views(measures) for label, measures in window.labels.items()},
            segments={name: CellView.of(cell) for name, cell in window.segments.items()},
        )


class RoundView(View):
    """What about a hundred labels brought."""

    since: float = Field(description="When its first event was decided.", examples=[1767222000.0])
    until: float = Field(examples=[1767225600.0])
    labels: int = Field(examples=[100])
    reviewer_hours: float = Field(examples=[0.6])
    accuracy: EstimateView = Field(description="Over all events of its time.")
    gain_per_hundred_labels: float | None = Field(
        description="In accuracy, since the round before.", examples=[0.004]
    )
    gain_per_reviewer_hour: float | None = Field(examples=[0.007])
    mistakes_chosen: float | None = Field(
        description="Of the labels chosen for their utility, the share the model had wrong.", examples=[0.31]
    )
    mistakes_random: float | None = Field(
        description="Of those drawn at random: what labelling finds without choosing.", examples=[0.06]
    )

    @classmethod
    def of(cls, one: Round) -> Self:
        """As it was measured."""
        return cls(
            since=one.since,
            until=one.until,
            labels=one.labels,
            reviewer_hours=one.reviewer_hours,
            accuracy=EstimateView.of(one.accuracy),
            gain_per_hundred_labels=_known(one.gain_per_hundred_labels),
            gain_per_reviewer_hour=_known(one.gain_per_reviewer_hour),
            mistakes_chosen=_known(one.mistakes_chosen),
            mistakes_random=_known(one.mistakes_random),
        )


class DriftView(View):
    """A change in the stream."""

    at: float = Field(description="Of the last event it was found in.", examples=[1767225600.0])
    kind: Literal["inputs", "predictions", "errors"] = Field(examples=["inputs"])
    what: str = Field(description="The feature, or the test that found it.", examples=["amount"])
    segment: str = Field(description="field=value; empty for the whole stream.", examples=[""])
    value: float = Field(description="Stability index, or the rise in errors.", examples=[0.41])

    @classmethod
    def of(cls, drift: Drift) -> Self:
        """As it was told."""
        return cls(at=drift.at, kind=drift.kind, what=drift.what, segment=drift.segment, value=drift.value)


class EvaluationView(View):
    """How good the model's predictions were when events were decided, over all events."""

    at: float = Field(description="As of when, in seconds since 1970.", examples=[1767226200.0])
    windows: dict[str, WindowView] = Field(
        description="The last hour, day and 1,000 labels, and all since the start; empty before the first "
        "queries are old enough to expire.",
        examples=[{}],
    )

    rounds: list[RoundView] = Field(description="The last ones, oldest first.")
    drifts: list[DriftView] = Field(description="The last ones, oldest first.")
    resting_since: float | None = Field(
        description="Since when labels have stopped to pay and only exploration is asked about.",
        examples=[None],
    )

    @classmethod
    def of(cls, quality: Quality) -> Self:
        """What is known now."""
        return cls(
            at=quality.at,
            windows={name: WindowView.of(one) for name, one in quality.windows.items()},
            rounds=[RoundView.of(one) for one in quality.rounds],
            drifts=[DriftView.of(one) for one in quality.drifts],
            resting_since=quality.resting_since,
        )


def _views(measures: Mapping[str, Estimate]) -> dict[str, EstimateView]:
    return {name: EstimateView.of(estimate) for name, estimate in measures.items()}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None

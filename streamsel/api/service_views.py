"""Events taken in, the serving model and the process's health, as they are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field

from streamsel.api.parts import ModelView
from streamsel.api.views import View
from streamsel.records import Source


class SourceView(View):
    """Where an event stands in the stream."""

    topic: str = Field(examples=["events"])
    partition: int = Field(examples=[0])
    offset: int = Field(examples=[20931])


class AcceptedEvents(View):
    """Events that are durably in the stream, in the order they were sent."""

    sources: list[SourceView]

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Self:
        """One source an event."""
        return cls(sources=[SourceView(**source._asdict()) for source in sources])


class ServingModel(View):
    """The model that scores events now."""

    preset: str = Field(examples=["logistic"])
    version: int = Field(description="Label-log offset it stands at.", examples=[312])
    digest: str = Field(
        description="Of its predictions on fixed probes; equal on every replica at one version.",
        examples=["5d1a0c6e92b7f348"],
    )
    labels_learned: int = Field(examples=[309])
    fold_lag: int = Field(description="Records in the label log it has not read yet.", examples=[0])
    spec: dict[str, Any] = Field(description="What it was made from.", examples=[{"seed": 1}])
    epoch: int = Field(
        description="Of the label log: one more with every erasure, and versions then begin anew.",
        examples=[1],
    )
    challengers: dict[str, dict[str, float]] = Field(
        description="How each model in shadow compares: labels, mean gain, and evidence that it is better.",
        examples=[{"b6f0b3f1c9d24a57": {"labels": 80.0, "gain": 0.02, "wealth": 1.9}}],
    )

    @classmethod
    def of(cls, model: ModelView) -> Self:
        """As the fold sees itself."""
        return cls(
            preset=model.preset,
            version=model.version,
            digest=model.digest,
            labels_learned=model.labels_learned,
            fold_lag=model.fold_lag,
            spec=dict(model.spec),
            epoch=model.epoch,
            challengers={name: dict(one) for name, one in model.challengers.items()},
        )


class Health(View):
    """What a probe wants to know."""

    status: Literal["alive", "ready"] = Field(examples=["alive"])

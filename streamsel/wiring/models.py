"""A configuration to what the model begins with, and to its course."""

from __future__ import annotations

from streamsel.config import Config
from streamsel.learning.spec import ModelSpec
from streamsel.ports import LabelLog
from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.services.directing import Directing


def model_spec(config: Config) -> ModelSpec:
    """What every replica's model starts from."""
    return ModelSpec(
        labels=tuple(config.labels.names),
        preset=config.model.preset,
        factory=config.model.factory,
        seed=config.model.seed,
        text=config.stream.text,
        copies=config.model.copies,
    )


def directing(config: Config, log: LabelLog) -> Directing:
    """The model's course in this log."""
    acquisition = ACQUISITIONS.get(config.select.strategy)
    committee = acquisition is not None and "members" in acquisition.uses
    return Directing(log, model_spec(config), committee=committee)

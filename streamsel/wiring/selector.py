"""A configuration to a selector: how is selected, and how much may be asked."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable

from streamsel.codec import EventDecoder
from streamsel.config import Config, ConfigurationError
from streamsel.learning.scorer import has_members
from streamsel.learning.serving import ServingModel
from streamsel.metrics import Metrics
from streamsel.ports import Clock, ReviewQueue
from streamsel.selection import CapacityPolicy, QueryStrategy, StrategySettings
from streamsel.selection.acquisition import ACQUISITIONS, AcquisitionRefused
from streamsel.selection.budget import Budget
from streamsel.services.decider import Decider
from streamsel.services.pacing import Pacing
from streamsel.services.selector import Selector
from streamsel.services.summarising import Summariser
from streamsel.wiring.layout import layout
from streamsel.wiring.logs import Logs


def selector_of(
    config: Config,
    logs: Logs,
    queue: ReviewQueue,
    model: ServingModel,
    clock: Clock,
    metrics: Metrics,
    configuration: str,
    summariser: Summariser,
    resting: Callable[[], bool],
) -> Selector:
    """``configuration`` is the id under which it was recorded; while ``resting``, only exploration is asked.

    Raises ``ConfigurationError`` for a strategy that can't be found, or can't work with the model."""
    decoder = EventDecoder(layout(config), max_bytes=config.stream.max_bytes)
    return Selector(
        source=logs.source,
        sink=logs.decisions,
        dead_letters=logs.dead_letters,
        queue=queue,
        decider=Decider(decoder, model, _strategy(config, model), clock, metrics, configuration, summariser),
        pacing=_pacing(config, queue, clock, metrics, resting),
        on_outage=config.select.on_desk_outage,
        clock=clock,
        metrics=metrics,
        processor_seconds=time.thread_time,
    )


def _strategy(config: Config, model: ServingModel) -> QueryStrategy:
    select = config.select
    acquisition = ACQUISITIONS.get(select.strategy)
    if acquisition and "members" in acquisition.uses and not has_members(model.fold.model):
        raise ConfigurationError(
            f"select.strategy: '{select.strategy}' asks about what the members of a committee disagree on, "
            f"and model '{config.model.factory or config.model.preset}' has none; "
            "set model.preset to forest, portfolio or text, or model.copies to 2 or more"
        )
    settings = StrategySettings(
        strategy=select.strategy,
        window=select.window,
        seed=select.seed,
        text=config.stream.text,
        constraints=select.constraints(),
    )
    try:
        return QueryStrategy(settings)
    except AcquisitionRefused as error:
        raise ConfigurationError(f"select.strategy: {error}") from None


def _pacing(
    config: Config, queue: ReviewQueue, clock: Clock, metrics: Metrics, resting: Callable[[], bool]
) -> Pacing:
    select, capacity = config.select, config.capacity
    return Pacing(
        f"{socket.gethostname()}:{os.getpid()}",
        queue,
        CapacityPolicy(
            budget=select.budget,
            explore=select.explore,
            holdout=select.holdout,
            target_backlog=capacity.target_backlog,
            expire_seconds=capacity.expire_seconds,
            fill_seconds=capacity.fill_seconds,
        ),
        select.on_desk_outage,
        clock,
        metrics,
        Budget(select.labels_per_hour, select.money_per_day, select.costs.costs().ordinary()),
        resting,
    )

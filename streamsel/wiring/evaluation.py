"""A configuration to what tells of the model's quality."""

from __future__ import annotations

from streamsel.config import Config
from streamsel.learning.evaluation.evaluation import Terms
from streamsel.learning.evaluation.plateau import Plateau
from streamsel.metrics import Metrics
from streamsel.ports import Clock
from streamsel.services.evaluating import Evaluating
from streamsel.wiring.logs import Logs


def evaluating_of(config: Config, logs: Logs, clock: Clock, metrics: Metrics) -> Evaluating:
    """Queries that expired, or whose last lease ended, are answered no more."""
    capacity = config.capacity
    settle_seconds = capacity.expire_seconds + capacity.attempts * capacity.lease_seconds
    terms = Terms(tuple(config.labels.names), settle_seconds, config.evaluation.costs)
    table = config.select.plateau
    plateau = None if table is None else Plateau(table.labels, table.margin)
    return Evaluating(logs.labels, logs.summaries, terms, clock, metrics, plateau)

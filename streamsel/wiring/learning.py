"""A configuration to a learner, and to what keeps its model beside the label log."""

from __future__ import annotations

import os
import socket

import redis.asyncio

from streamsel.adapters.redis_replicas import RedisReplicas
from streamsel.config import Config, ConfigurationError
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LogReader
from streamsel.services.agreement import Agreement
from streamsel.services.directing import Directing
from streamsel.services.learner import Learner
from streamsel.services.snapshots import SnapshotPolicy, Snapshots
from streamsel.services.trials import Trials
from streamsel.wiring.logs import Logs


def learner_of(config: Config, logs: Logs, spec: ModelSpec, metrics: Metrics, clock: Clock) -> Learner:
    """Raises ``FactoryRefused``, and ``ConfigurationError`` for an address of snapshots nobody knows."""
    return Learner(
        logs.labels,
        spec,
        metrics,
        clock,
        logs.dead_letters,
        screen=config.model.screen,
        snapshots=snapshots_of(config, logs.labels, metrics, clock),
    )


def trials_of(logs: Logs, directing: Directing, learner: Learner, metrics: Metrics, clock: Clock) -> Trials:
    """Of the challengers to this learner's model, which takes over the fold of one that is promoted."""
    trials = Trials(logs.labels, directing, metrics, clock, learner.snapshots)
    learner.warm = trials.release
    return trials


def agreement_of(
    config: Config, learner: Learner, store: redis.asyncio.Redis, metrics: Metrics, clock: Clock
) -> Agreement:
    """Between this process and all others at the same store."""
    replicas = RedisReplicas(store, config.redis.prefix)
    return Agreement(f"{socket.gethostname()}:{os.getpid()}", learner, replicas, metrics, clock)


def snapshots_of(config: Config, log: LogReader, metrics: Metrics, clock: Clock) -> Snapshots | None:
    """``None`` where none are configured. Raises ``ConfigurationError``."""
    settings = config.snapshots
    if settings.url is None or settings.key is None:
        return None
    from streamsel.adapters.snapshot_store import FileSnapshotStore  # brings fsspec

    try:
        store = FileSnapshotStore(settings.url)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(f"snapshots.url: {error}") from None
    policy = SnapshotPolicy(settings.every_labels, settings.every_seconds, settings.keep)
    return Snapshots(store, log, settings.key.get_secret_value().encode(), policy, metrics, clock)

"""The one place that picks adapters: a configuration to a running process."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import redis.asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.embedded import DataDirectoryInUse, EmbeddedValkey
from streamsel.adapters.redis_desk import RedisReviewQueue
from streamsel.adapters.redis_history import RedisHistory
from streamsel.adapters.redis_replicas import RedisReplicas
from streamsel.adapters.redis_sessions import RedisSessionStore
from streamsel.api.app import create_app
from streamsel.api.parts import ApiParts, ModelView, Readiness
from streamsel.api.server import RunningServer, serve
from streamsel.config import Config, ConfigurationError
from streamsel.config.recorded import recorded
from streamsel.learning.spec import ModelSpec
from streamsel.metrics import Metrics
from streamsel.ports import AuditLog, EventIntake, LabelLog, LogReader, ReviewQueue, SessionStore
from streamsel.ports.replicas import Replicas
from streamsel.selection.acquisition import ACQUISITIONS
from streamsel.services.audit import Audit
from streamsel.services.configurations import record
from streamsel.services.desk import Desk
from streamsel.services.directing import Directing
from streamsel.services.ending import end
from streamsel.services.evidence.finding import EvidenceFinder
from streamsel.services.history import HistoryKeeper
from streamsel.services.presence import LeasedLabelLog
from streamsel.services.rebuilding import Rebuilt, rebuild
from streamsel.services.webhooks.delivery import Delivery
from streamsel.wiring.desk import desk_of, desk_settings, gold, routing
from streamsel.wiring.evaluation import evaluating_of
from streamsel.wiring.evidence import evidence_finder
from streamsel.wiring.logs import Logs, kafka_logs, redis_logs
from streamsel.wiring.oracles import Part, oracle_accounts, oracle_parts
from streamsel.wiring.presence import using_logs
from streamsel.wiring.webhooks import webhook_deliveries

if TYPE_CHECKING:
    from streamsel.services.learner import Learner
    from streamsel.services.selector import Selector
    from streamsel.services.trials import Trials

DESK_CLIENT: dict[str, Any] = {
    "socket_timeout": 3.0,
    "socket_connect_timeout": 2.0,
    # An outage is to be noticed at once; waiting for its end is the services' affair.
    "retry": Retry(NoBackoff(), 1),
}


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


@dataclass
class Service:
    """A running process's parts; a part its roles don't include is ``None``."""

    config: Config
    metrics: Metrics
    label_log: LabelLog
    decision_log: LogReader
    intake: EventIntake
    learner: Learner | None = None
    selector: Selector | None = None
    trials: Trials | None = None
    desk: Desk | None = None
    url: str = ""
    folded: bool = False
    """The serving model has everything the label log held at the start."""
    _running: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, name: str, part: Coroutine[object, object, None]) -> None:
        """Runs a part until the service ends."""
        self._running.append(asyncio.create_task(part, name=name))

    async def wait_failed(self) -> None:
        """Returns or raises when a part ends that should have gone on."""
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()

    async def wait_ready(self) -> None:
        """Returns once ``/readyz`` says yes; raises what makes that impossible."""
        failed = asyncio.create_task(self.wait_failed())
        try:
            while not self.readiness().ready:
                await asyncio.wait([failed], timeout=0.02)
                if failed.done():
                    failed.result()
        finally:
            failed.cancel()

    def readiness(self) -> Readiness:
        """Ready once the label log is folded and the consumer group joined."""
        reasons = []
        if self.learner is not None and not self.folded:
            reasons.append(f"the label log is being folded, {self.learner.lag} records to go")
        if self.selector is not None and not self.selector.joined:
            reasons.append("the consumer group is not joined yet")
        return Readiness(not reasons, reasons)

    async def drain(self) -> None:
        """Stops the parts: the selector finishes what is in flight, the others just end."""
        if self.selector is not None:
            self.selector.stop()
            if self.folded:
                await asyncio.wait([part for part in self._running if part.get_name() == "selector"])
        await end(*self._running)


@asynccontextmanager
async def running(
    config: Config, roles: frozenset[str], one_time_token: str | None = None
) -> AsyncIterator[Service]:
    """Everything started, in order; on leaving, everything stopped within 5 seconds.

    ``roles``: ``selector``, ``desk`` or both. ``one_time_token`` opens one session of the page, once.
    """
    log = structlog.get_logger()
    clock, metrics = SystemClock(), Metrics()
    async with AsyncExitStack() as stack:
        url = await _redis_url(config, stack)
        logs = await _logs(config, url, stack)
        queue = await _review_queue(config, url, stack, logs.epoch)
        configuration = await record(logs.configurations, logs.labels, recorded(config), clock)
        service = Service(config, metrics, logs.labels, logs.decision_readers[0], logs.intake)
        store = _desk_client(url, stack)
        history = HistoryKeeper(queue, RedisHistory(store, config.redis.prefix), clock)
        deliveries: list[Delivery] = []
        oracles: list[Part] = []
        accounts = oracle_accounts(config)
        evaluating = evaluating_of(config, logs, clock, metrics)
        if "desk" in roles:
            service.desk = desk_of(config, queue, logs.labels, clock, metrics)
            await service.desk.set_gold(gold(config, clock))
            deliveries.extend(webhook_deliveries(config, logs, store, clock, metrics, stack))
            oracles.extend(oracle_parts(config, accounts, logs, queue, store, clock, metrics, stack))
        if "selector" in roles:
            # River takes seconds to import: neither a desk nor a command should wait for it.
            from streamsel.services.summarising import Summariser
            from streamsel.wiring.learning import agreement_of, learner_of, trials_of
            from streamsel.wiring.selector import selector_of

            learner = learner_of(config, logs, model_spec(config), metrics, clock)
            stack.push_async_callback(learner.close)
            summariser = Summariser(logs.summaries, clock)
            stack.push_async_callback(summariser.close)
            selector = selector_of(
                config,
                logs,
                queue,
                learner.scorer,
                clock,
                metrics,
                configuration,
                summariser,
                evaluating.resting,
            )
            service.learner, service.selector = learner, selector
            service.trials = trials_of(logs, directing(config, logs.labels), learner, metrics, clock)
            service.start("summaries", summariser.run())
            service.start("agreement", agreement_of(config, learner, store, metrics, clock).run())
        metrics.review_backlog_target.set(config.capacity.target_backlog)
        sessions = RedisSessionStore(store, config.redis.prefix)
        audit = Audit(logs.audit, clock)
        stack.push_async_callback(audit.close)
        evidence = evidence_finder(service.desk, logs)
        parts = _api_parts(service, sessions, audit, history, one_time_token, configuration, evidence)
        if service.desk is not None:
            parts = replace(parts, evaluating=evaluating, oracles=accounts)
        if service.desk is not None or config.select.plateau is not None:
            service.start("evaluation", evaluating.run())
        app = create_app(parts)
        server = await serve(app, config.desk.host, config.desk.port)
        service.url = server.url
        stack.push_async_callback(_stop, service, server)
        if service.desk is not None:
            service.start("desk", service.desk.run())
            service.start("history", history.run())
        for delivery in deliveries:
            service.start("webhook", delivery.run())
        for part in oracles:
            service.start("oracle", part.run())
        if service.learner is not None and service.selector is not None and service.trials is not None:
            service.start(
                "selector", _learn_then_select(service, service.learner, service.selector, service.trials)
            )
        log.info("serving", url=server.url, roles=sorted(roles), logs=logs.kind)
        yield service


async def _stop(service: Service, server: RunningServer) -> None:
    """Side by side, so that their limits do not add up."""
    await asyncio.gather(service.drain(), server.stop())


async def _learn_then_select(service: Service, learner: Learner, selector: Selector, trials: Trials) -> None:
    """Folds the log before the first event is decided; then all go on side by side."""
    await learner.catch_up()
    service.folded = True
    _calm_garbage_collector()
    following = asyncio.create_task(learner.run())
    selecting = asyncio.create_task(selector.run())
    trying = asyncio.create_task(trials.run(learner))
    try:
        done, _ = await asyncio.wait([following, selecting, trying], return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            await part
    finally:
        await end(following, selecting, trying)


@asynccontextmanager
async def opened_label_log(config: Config) -> AsyncIterator[LabelLog]:
    """The label log alone, for commands; beside a running service it shares the embedded server."""
    async with AsyncExitStack() as stack:
        url = await _redis_url(config, stack, share=True)
        logs = await _logs(config, url, stack)
        yield logs.labels


@asynccontextmanager
async def opened_replicas(config: Config) -> AsyncIterator[Replicas]:
    """What live selectors say of their models; beside a running service it shares the embedded server."""
    async with AsyncExitStack() as stack:
        url = await _redis_url(config, stack, share=True)
        yield RedisReplicas(_desk_client(url, stack), config.redis.prefix)


@asynccontextmanager
async def opened_audit_log(config: Config) -> AsyncIterator[AuditLog]:
    """The audit log alone, for commands; beside a running service it shares the embedded server."""
    async with AsyncExitStack() as stack:
        url = await _redis_url(config, stack, share=True)
        logs = await _logs(config, url, stack)
        yield logs.audit


@asynccontextmanager
async def opened_logs(config: Config) -> AsyncIterator[Logs]:
    """All logs, for commands; beside a running service they share the embedded server."""
    async with AsyncExitStack() as stack:
        yield await _logs(config, await _redis_url(config, stack, share=True), stack)


@asynccontextmanager
async def opened_review_queue(config: Config) -> AsyncIterator[ReviewQueue]:
    """The desk's store alone, for commands; beside a running service it shares the embedded server."""
    async with AsyncExitStack() as stack:
        yield await _review_queue(config, await _redis_url(config, stack, share=True), stack)


async def rebuilt_desk(config: Config, watch: Callable[[int], Callable[[int], None]]) -> Rebuilt:
    """The desk's queue made anew from the logs, beside running services or without any; see ``rebuild``."""
    async with AsyncExitStack() as stack:
        url = await _redis_url(config, stack, share=True)
        logs = await _logs(config, url, stack)
        queue = await _review_queue(config, url, stack, logs.epoch)
        desk = desk_of(config, queue, logs.labels, SystemClock(), Metrics())
        return await rebuild(
            queue, desk, logs.labels, logs.decision_readers, config.capacity.expire_seconds, watch
        )


async def _review_queue(config: Config, url: str, stack: AsyncExitStack, epoch: int = 1) -> RedisReviewQueue:
    """``epoch`` is that of the label log which the queue is settled with."""
    client = _desk_client(url, stack)
    queue = RedisReviewQueue(client, config.redis.prefix, desk_settings(config), routing(config), epoch=epoch)
    stack.push_async_callback(queue.close)
    await queue.check()
    return queue


def _desk_client(url: str, stack: AsyncExitStack) -> redis.asyncio.Redis:
    client = redis.asyncio.Redis.from_url(url, **DESK_CLIENT)
    stack.push_async_callback(client.aclose)
    return client


def _api_parts(
    service: Service,
    sessions: SessionStore,
    audit: Audit,
    history: HistoryKeeper,
    one_time_token: str | None,
    configuration: str,
    evidence: EvidenceFinder | None,
) -> ApiParts:
    config, learner = service.config, service.learner
    return ApiParts(
        desk=service.desk,
        intake=service.intake if service.desk is not None else None,
        model=None if learner is None else partial(_model_view, learner, service.trials),
        health=service.readiness,
        metrics=service.metrics,
        labels=config.labels,
        auth=config.auth,
        sessions=sessions,
        audit=audit,
        history=history,
        target_backlog=config.capacity.target_backlog,
        max_event_bytes=config.stream.max_bytes,
        lead_only=config.stream.lead_only,
        one_time_token=one_time_token,
        configuration=configuration,
        evidence=evidence,
        directing=directing(config, service.label_log) if service.desk is not None else None,
    )


def _model_view(learner: Learner, trials: Trials | None) -> ModelView:
    spec = learner.scorer.fold.spec
    return ModelView(
        preset=spec.factory or spec.preset or "",
        version=learner.version,
        digest=learner.digest(),
        labels_learned=learner.labels_learned,
        fold_lag=learner.lag,
        spec=asdict(spec),
        challengers={}
        if trials is None
        else {name: standing.evidence() for name, standing in trials.standings.items()},
    )


async def _logs(config: Config, redis_url: str, stack: AsyncExitStack) -> Logs:
    lease = await using_logs(config, _desk_client(redis_url, stack), stack)
    if config.kafka.bootstrap_servers is None:
        logs = await redis_logs(redis_url, config.redis.prefix, config.kafka)
    else:
        logs = await kafka_logs(config.kafka)
    stack.push_async_callback(logs.close)
    return replace(logs, labels=LeasedLabelLog(logs.labels, lease))


async def _redis_url(config: Config, stack: AsyncExitStack, *, share: bool = False) -> str:
    """Of the configured server, or of an embedded one that ends with the stack.

    ``share``: when another process serves the data directory, use that one.
    """
    if config.redis.url is not None:
        return config.redis.url.get_secret_value()
    try:
        server = EmbeddedValkey(config.redis.data_dir)
    except ValueError as error:
        raise ConfigurationError(f"redis.data_dir: {error}") from None
    try:
        await asyncio.to_thread(server.start)
    except DataDirectoryInUse:
        if not share:
            raise
    else:
        stack.callback(server.stop)
    return server.url


def _calm_garbage_collector() -> None:
    """What start-up made stays; what events make is freed by reference counts. Full collections are rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

"""A configuration to a running process."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.redis_history import RedisHistory
from streamsel.adapters.redis_sessions import RedisSessionStore
from streamsel.api.app import create_app
from streamsel.api.parts import ApiParts, ModelView, Readiness
from streamsel.api.server import RunningServer, serve
from streamsel.config import Config
from streamsel.config.recorded import recorded
from streamsel.metrics import Metrics
from streamsel.ports import EventIntake, LabelLog, LogReader, SessionStore
from streamsel.services.audit import Audit
from streamsel.services.configurations import record
from streamsel.services.desk import Desk
from streamsel.services.ending import end
from streamsel.services.evidence.finding import EvidenceFinder
from streamsel.services.history import HistoryKeeper
from streamsel.services.webhooks.delivery import Delivery
from streamsel.wiring.desk import desk_of, gold
from streamsel.wiring.evaluation import evaluating_of
from streamsel.wiring.evidence import evidence_finder
from streamsel.wiring.models import directing, model_spec
from streamsel.wiring.opening import desk_client, opened_on, redis_url, review_queue
from streamsel.wiring.oracles import Part, oracle_accounts, oracle_parts
from streamsel.wiring.webhooks import webhook_deliveries

if TYPE_CHECKING:
    from streamsel.services.learner import Learner
    from streamsel.services.selector import Selector
    from streamsel.services.trials import Trials


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
        url = await redis_url(config, stack)
        logs = await opened_on(config, url, stack, lambda part: metrics.watchdog_restarts.labels(part).inc())
        metrics.label_log_epoch.set(logs.epoch)
        queue = await review_queue(config, url, stack, logs.epoch)
        configuration = await record(logs.configurations, logs.labels, recorded(config), clock)
        service = Service(config, metrics, logs.labels, logs.decision_readers[0], logs.intake)
        store = desk_client(url, stack)
        history = HistoryKeeper(queue, RedisHistory(store, config.redis.prefix), clock)
        deliveries: list[Delivery] = []
        oracles: list[Part] = []
        aside: list[tuple[str, Callable[[], Coroutine[object, object, None]]]] = []
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
            from streamsel.services.watchdog import Watchdog
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
            aside = [
                ("summaries", summariser.run),
                ("watchdog", Watchdog(selector, clock, metrics).run),
                ("agreement", agreement_of(config, learner, store, metrics, clock).run),
            ]
        metrics.review_backlog_target.set(config.capacity.target_backlog)
        sessions = RedisSessionStore(store, config.redis.prefix)
        audit = Audit(logs.audit, clock)
        stack.push_async_callback(audit.close)
        evidence = evidence_finder(service.desk, logs)
        parts = _api_parts(
            service, sessions, audit, history, one_time_token, configuration, evidence, logs.epoch
        )
        if service.desk is not None:
            parts = replace(parts, evaluating=evaluating, oracles=accounts)
        if service.desk is not None or config.select.plateau is not None:
            aside.append(("evaluation", partial(_once_ready, service, evaluating.run)))
        app = create_app(parts)
        server = await serve(app, config.desk.host, config.desk.port)
        service.url = server.url
        stack.push_async_callback(_stop, service, server)
        # Nothing is under way before there is who ends it: a port that is taken leaves nothing behind.
        for name, part in aside:
            service.start(name, part())
        if service.desk is not None:
            service.start("desk", service.desk.run())
            service.start("history", history.run())
        for delivery in deliveries:
            service.start("webhook", delivery.run())
        for oracle in oracles:
            service.start("oracle", oracle.run())
        if service.learner is not None and service.selector is not None and service.trials is not None:
            service.start(
                "selector", _learn_then_select(service, service.learner, service.selector, service.trials)
            )
        log.info("serving", url=server.url, roles=sorted(roles), logs=logs.kind)
        yield service


async def _stop(service: Service, server: RunningServer) -> None:
    """Side by side, so that their limits do not add up."""
    await asyncio.gather(service.drain(), server.stop())


async def _once_ready(service: Service, part: Callable[[], Coroutine[object, object, None]]) -> None:
    """What would keep the first decision waiting: drift detectors bring pandas."""
    await service.wait_ready()
    await part()


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


def _api_parts(
    service: Service,
    sessions: SessionStore,
    audit: Audit,
    history: HistoryKeeper,
    one_time_token: str | None,
    configuration: str,
    evidence: EvidenceFinder | None,
    epoch: int,
) -> ApiParts:
    config, learner = service.config, service.learner
    return ApiParts(
        desk=service.desk,
        intake=service.intake if service.desk is not None else None,
        model=None if learner is None else partial(_model_view, learner, service.trials, epoch),
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


def _model_view(learner: Learner, trials: Trials | None, epoch: int) -> ModelView:
    spec = learner.scorer.fold.spec
    return ModelView(
        preset=spec.factory or spec.preset or "",
        version=learner.version,
        digest=learner.digest(),
        labels_learned=learner.labels_learned,
        fold_lag=learner.lag,
        spec=asdict(spec),
        epoch=epoch,
        challengers={}
        if trials is None
        else {name: standing.evidence() for name, standing in trials.standings.items()},
    )


def _calm_garbage_collector() -> None:
    """What start-up made stays; what events make is freed by reference counts. Full collections are rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)

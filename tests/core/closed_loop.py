"""A discrete-event simulation of stream, gate, desk and reviewers, in virtual time.

The gate, the capacity law and ``Pacing`` are the real ones; the desk, its reviewers and the stream are
simulated here. The desk counts as ``adapters/desk.lua`` does: completions a second as an exponential average
over half the window, the mean review over twenty, a reviewer as live for one window, queries ranked by
utility with a head start. Time moves from one report of the selectors to the next; reviews that end and
queries that expire in between are taken in their order.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from streamsel.metrics import Metrics
from streamsel.records import Lane, Query
from streamsel.review.priority import ageing_seconds, head_start
from streamsel.selection import CapacityFacts, CapacityPolicy, Gate
from streamsel.selection.gate import EXPLORE, UNCERTAIN
from streamsel.services.pacing import REPORT_SECONDS, Pacing, Spending

WINDOW_SECONDS = 60.0
MEAN_OVER = 20
LOOK_SECONDS = 1.0
"""How often an idle reviewer looks for work."""
KEPT = 20
"""Events of a report that are remembered, the most useful ones: more than anyone could review of them."""


class VirtualClock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@dataclass(order=True, slots=True)
class _Waiting:
    priority: float
    offered_at: float
    query: Query = field(compare=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """A query reviewed to its end; ``decided_at`` is when its event arrived."""

    query: Query
    at: float
    review_seconds: float

    @property
    def age_seconds(self) -> float:
        return self.at - self.query.decided_at


class SimulatedDesk:
    """The queue's rules without its store; ``report`` is all that ``Pacing`` asks of it."""

    def __init__(self, clock: VirtualClock, expire_seconds: float) -> None:
        self._clock = clock
        self._expire_seconds = expire_seconds
        self._waiting: list[_Waiting] = []
        self._seen: dict[int, float] = {}
        self._rates: dict[str, float] = {}
        self._rate, self._rated_at = 0.0, 0.0
        self._mean: float | None = None
        self.in_hand = 0
        self.answers: list[Answered] = []
        self.expired = 0

    @property
    def backlog(self) -> int:
        return len(self._waiting) + self.in_hand

    @property
    def oldest_seconds(self) -> float:
        return self._clock.now - min((one.offered_at for one in self._waiting), default=self._clock.now)

    def offer(self, query: Query) -> None:
        now = self._clock.now
        ahead = head_start(query) * ageing_seconds(self._expire_seconds)
        heapq.heappush(self._waiting, _Waiting(now - ahead, now, query))

    def claim(self, reviewer: int) -> Query | None:
        self._seen[reviewer] = self._clock.now
        if not self._waiting:
            return None
        self.in_hand += 1
        return heapq.heappop(self._waiting).query

    def answer(self, reviewer: int, query: Query, review_seconds: float) -> None:
        self._seen[reviewer] = self._clock.now
        self.in_hand -= 1
        self.answers.append(Answered(query, self._clock.now, review_seconds))
        self._rate = self.completions_per_second + 2.0 / WINDOW_SECONDS
        self._rated_at = self._clock.now
        mean = review_seconds if self._mean is None else self._mean
        self._mean = mean + (review_seconds - mean) / min(len(self.answers), MEAN_OVER)

    def expire(self) -> None:
        limit = self._clock.now - self._expire_seconds
        kept = [one for one in self._waiting if one.offered_at > limit]
        if len(kept) < len(self._waiting):
            self.expired += len(self._waiting) - len(kept)
            self._waiting = kept
            heapq.heapify(kept)

    @property
    def completions_per_second(self) -> float:
        return self._rate * math.exp((self._rated_at - self._clock.now) / (WINDOW_SECONDS / 2))

    async def report(self, selector: str, events_per_second: float) -> CapacityFacts:
        self._rates[selector] = events_per_second
        return CapacityFacts(
            backlog=self.backlog,
            oldest_seconds=self.oldest_seconds,
            live_reviewers=sum(seen > self._clock.now - WINDOW_SECONDS for seen in self._seen.values()),
            completions_per_second=self.completions_per_second,
            mean_review_seconds=self._mean,
            events_per_second=sum(self._rates.values()),
            selectors=len(self._rates),
        )


@dataclass(frozen=True, slots=True)
class Course:
    """What happened, one entry a report."""

    seconds: np.ndarray
    backlog: np.ndarray
    oldest: np.ndarray
    events: np.ndarray
    uncertain: np.ndarray
    explored: np.ndarray
    answers: Sequence[Answered]
    expired: int
    idle_seconds: float
    """Of all reviewers while they were there."""
    most_useful: Sequence[np.ndarray]
    """The ``KEPT`` largest utilities of each report's events."""

    @property
    def completed(self) -> int:
        return len(self.answers)

    def during(self, start: float, stop: float) -> np.ndarray:
        """A mask over the reports of a span of time."""
        return (self.seconds >= start) & (self.seconds < stop)


@dataclass(frozen=True, slots=True)
class Scene:
    """A stream, its reviewers and the policy between them."""

    policy: CapacityPolicy
    seconds: float
    events_per_second: Callable[[float], float] = lambda _: 20.0
    reviewers_at: Callable[[float], int] = lambda _: 5
    review_seconds: float = 25.0
    selectors: int = 1
    seed: int = 1
    waiting_already: int = 0
    utilities: Callable[[np.random.Generator, int], np.ndarray] = lambda rng, count: rng.random(count)

    async def play(self) -> Course:
        """Runs the scene from its first event to its last."""
        rng = np.random.default_rng(self.seed)
        clock = VirtualClock()
        desk = SimulatedDesk(clock, self.policy.expire_seconds)
        metrics = Metrics()
        crew = _Crew(desk, clock, rng, self)
        for _ in range(self.waiting_already):
            desk.offer(Query("", "", "uncertain", 0.0, 1.0, {}, 0, 0.0, {}))
        teams = [
            (Pacing(f"selector-{number}", desk, self.policy, "pause", clock, metrics), Gate())  # type: ignore[arg-type]
            for number in range(self.selectors)
        ]
        rows, most_useful = [], []
        for step in range(round(self.seconds / REPORT_SECONDS)):
            crew.work_until(step * REPORT_SECONDS)
            desk.expire()
            admitted = np.zeros(3, dtype=np.int64)
            arrived: list[np.ndarray] = []
            for pacing, gate in teams:
                await pacing.report()
                arrivals = rng.poisson(self.events_per_second(clock.now) * REPORT_SECONDS / self.selectors)
                arrived.append(self.utilities(rng, arrivals))
                admitted += _decide(pacing, gate, desk, arrived[-1], rng, clock.now)
            rows.append((clock.now, desk.backlog, desk.oldest_seconds, *admitted))
            most_useful.append(np.sort(np.concatenate(arrived))[-KEPT:])
        seconds, backlog, oldest, events, uncertain, explored = map(np.array, zip(*rows, strict=True))
        return Course(
            seconds,
            backlog,
            oldest,
            events,
            uncertain,
            explored,
            desk.answers,
            desk.expired,
            crew.idle_seconds,
            most_useful,
        )


def _decide(
    pacing: Pacing,
    gate: Gate,
    desk: SimulatedDesk,
    utilities: np.ndarray,
    rng: np.random.Generator,
    now: float,
) -> tuple[int, int, int]:
    """The events of one report's span, in micro-batches; how many there were, by lane."""
    uncertain = explored = 0
    for start in range(0, len(utilities), 500):
        batch = utilities[start : start + 500]
        decided = gate.decide(batch, pacing.rate, rng.random(len(batch)), rng.random(len(batch)))
        for row in np.flatnonzero(decided.lanes):
            lane: Lane = "explore" if decided.lanes[row] == EXPLORE else "uncertain"
            desk.offer(Query("", "", lane, 0.0, float(batch[row]), {}, 0, now, {}))
        in_batch = int(np.count_nonzero(decided.lanes == UNCERTAIN))
        uncertain += in_batch
        explored += int(np.count_nonzero(decided.lanes == EXPLORE))
        spending = Spending(in_batch, len(batch) * decided.explore_fraction)
        pacing.spent(len(batch), spending)
        pacing.landed(spending)
    return len(utilities), uncertain, explored


class _Crew:
    """Reviewers who claim, think and answer; those not at work finish what they hold and claim no more."""

    def __init__(
        self, desk: SimulatedDesk, clock: VirtualClock, rng: np.random.Generator, scene: Scene
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._rng = rng
        self._scene = scene
        self._moments: list[tuple[float, int]] = [(0.0, number) for number in range(64)]
        """When each reviewer is next heard of."""
        self._held: dict[int, tuple[Query, float]] = {}
        """What each reviewer is at, and how long it takes."""
        self.idle_seconds = 0.0

    def work_until(self, until: float) -> None:
        while self._moments[0][0] <= until:
            at, reviewer = heapq.heappop(self._moments)
            self._clock.now = at
            if reviewer in self._held:
                self._desk.answer(reviewer, *self._held.pop(reviewer))
            wait = LOOK_SECONDS
            if reviewer < self._scene.reviewers_at(at):
                query = self._desk.claim(reviewer)
                if query is None:
                    self.idle_seconds += wait
                else:
                    wait = self._scene.review_seconds * float(self._rng.gamma(4.0, 0.25))
                    self._held[reviewer] = (query, wait)
            heapq.heappush(self._moments, (at + wait, reviewer))
        self._clock.now = until


def crossings(backlog: np.ndarray, level: float, dead_band: float) -> int:
    """How often a course passes from above ``level + dead_band`` to below ``level − dead_band``, or back."""
    sides = [1 if value > level + dead_band else -1 for value in backlog if abs(value - level) > dead_band]
    return sum(before != after for before, after in pairwise(sides))

"""A pool at rest: which of its events to ask about together.

Events asked about one by one are chosen in the light of the answers before; a batch is not, and the events
that are most useful by themselves are much alike. So they are picked one after the other by what they add:

    gain = utility · (1 − largest similarity to an event picked)

It is a greedy step towards a facility location objective weighted by utility (F. Zhdanov, Diverse Mini-Batch
Active Learning, 2019), with the acquisition functions' own similarity. That fades within a few neighbours, so
unlike the plain distance of a core-set (O. Sener and S. Savarese, Active Learning for Convolutional Neural
Networks: A Core-Set Approach, ICLR 2018) it does not go after outliers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamsel.selection.acquisition import resolve
from streamsel.selection.acquisition.geometry import likeness, squared_distances
from streamsel.selection.candidates import Candidates, Floats, Recent
from streamsel.selection.cold_start import ColdStart
from streamsel.selection.constraints import ConstraintSettings
from streamsel.selection.draws import draws
from streamsel.selection.duplicates import RADIUS
from streamsel.selection.fields import Fields
from streamsel.selection.points import Space
from streamsel.selection.quotas import Quota
from streamsel.selection.rules import Rules
from streamsel.selection.strategy import HYBRID, Scored, StrategySettings

Mask = NDArray[np.bool_]
Progress = Callable[[int], None]

SAMPLE = 256
"""Events that stand for the pool, and labelled ones that stand for those asked about."""
CHUNK = 4096
"""Events whose utilities are computed at once."""
LEAST_NEW = 1e-6
"""The part of its utility that is left to an event just like one picked, so that copies are ordered too."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is picked of a pool."""

    rows: NDArray[np.intp]
    """(picked,), in the order to ask in."""
    utilities: Floats
    """(events,), in [0, 1], before costs."""
    reasons: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By row picked ahead of others, the rules or the quota it was for."""


def rank_pool(
    pool: Scored,
    count: int,
    settings: StrategySettings | None = None,
    labelled: Mask | None = None,
    progress: Progress = lambda _: None,
) -> Batch:
    """Picks ``count`` events of the pool, or all there are to pick.

    ``labelled`` is (events,): those have labels, are not picked, and count as asked about. Rules, costs and
    near-duplicates of the settings are seen to, and quotas as shares of the batch; strategy ``random`` draws
    the batch without regard to likeness. ``progress`` is told how many more events have a utility, then how
    many more are picked. Raises ``AcquisitionRefused``, and ``ValueError`` for a count below 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1 event, not {count}")
    settings = settings or StrategySettings()
    labelled = np.zeros(len(pool.ids), np.bool_) if labelled is None else labelled
    points = Space(settings.text).place(pool.table)
    utilities = _utilities(pool, settings, points, labelled, progress)
    constraints = settings.constraints
    fields = Fields(pool.table, pool.segments, pool.labels, pool.probabilities)
    ranks, reasons = Rules(constraints.rules).apply(fields)
    values = utilities
    if settings.strategy == "random":
        values, _ = draws(pool.ids, settings.seed)
    if not constraints.costs.even:
        costs = constraints.costs.of(fields, pool.labels, pool.probabilities)
        values = constraints.costs.per_cost(values, costs)
    picking = _Picking(points, values, constraints, settings.strategy != "random")
    quotas = [_Shares(quota, fields.texts(quota.segment)) for quota in constraints.quotas]
    may_be = ~labelled & np.isfinite(ranks)
    for rank in np.unique(ranks[may_be])[::-1].tolist():
        tier = may_be & (ranks == rank)
        while len(picking.rows) < count and tier.any():
            owing = None if rank else next(filter(None, (quota.owing(tier) for quota in quotas)), None)
            row = picking.pick(tier if owing is None else owing[1])
            tier[row] = False
            if owing is not None:
                reasons[row] = (owing[0],)
            for quota in quotas:
                quota.note(row)
            progress(1)
    rows = picking.rows
    return Batch(np.array(rows, np.intp), utilities, {row: reasons[row] for row in rows if row in reasons})


def _utilities(
    pool: Scored, settings: StrategySettings, points: Floats, labelled: Mask, progress: Progress
) -> Floats:
    """(events,), in [0, 1]. Chunk by chunk in random order, so that each is like the pool."""
    acquisition = resolve(settings.strategy)
    cold_start = ColdStart(settings.seed) if settings.strategy == HYBRID else None
    draw = np.random.default_rng(settings.seed)
    order = draw.permutation(len(points))
    sample, known = order[:SAMPLE], draw.permutation(np.flatnonzero(labelled))[:SAMPLE]
    recent = Recent(points[sample], pool.probabilities[sample])

    def utility(rows: NDArray[np.intp]) -> Floats:
        candidates = Candidates(
            pool.probabilities[rows],
            None if pool.members is None else pool.members[:, rows],
            pool.weights,
            points[rows],
            recent,
            points[known],
            pool.experience,
        )
        found = acquisition.function(candidates)
        found = found if cold_start is None else cold_start.blended(candidates, found)
        return np.where(np.isnan(found), 1.0, found)

    if cold_start is not None:
        # It has to have seen events like these before it can say what is unlike them.
        utility(order[:CHUNK])
    utilities = np.zeros(len(points))
    for start in range(0, len(points), CHUNK):
        rows = order[start : start + CHUNK]
        utilities[rows] = utility(rows)
        progress(len(rows))
    return utilities


class _Picking:
    """The events picked so far, and what the others are still worth."""

    def __init__(
        self, points: Floats, values: Floats, constraints: ConstraintSettings, diverse: bool
    ) -> None:
        self.rows: list[int] = []
        self._points = points
        self._values = values
        self._diverse = diverse
        self._variance = max(float(points.var(axis=0).sum()), 1e-12)
        self._likest = np.zeros(len(points))
        """The largest similarity of each to an event picked."""
        self._near = RADIUS**2 * points.shape[1]
        self._times = constraints.duplicates
        self._copies = np.zeros(len(points), np.intp)
        """How many events picked each is a near-duplicate of."""

    def pick(self, among: Mask) -> int:
        """The row of most gain. A near-duplicate too many is picked only where there is nothing else."""
        gains = self._values * np.maximum(1.0 - self._likest, LEAST_NEW)
        if self._times:
            fresh = among & (self._copies < self._times)
            among = fresh if fresh.any() else among
        row = int(np.where(among, gains, -1.0).argmax())
        self.rows.append(row)
        if self._diverse:
            distances = squared_distances(self._points, self._points[row : row + 1])[:, 0]
            np.maximum(self._likest, likeness(distances, self._variance), out=self._likest)
            self._copies += distances <= self._near
        return row


class _Shares:
    """A quota within one batch: as in ``QuotaAccounts``, a group is owed the nearest whole number of queries
    to its share of those so far."""

    def __init__(self, quota: Quota, values: list[str | None]) -> None:
        self._name = quota.name
        self._groups = quota.values or tuple(sorted({value for value in values if value is not None}))
        self._share = min(quota.least, 1.0 / max(len(self._groups), 1))
        places = {group: place for place, group in enumerate(self._groups)}
        self._places = np.array([places.get(value, -1) if value is not None else -1 for value in values])
        self._picked = np.zeros(len(self._groups))
        self._total = 0

    def owing(self, among: Mask) -> tuple[str, Mask] | None:
        """The reason and the rows of the group that is owed most and has any left."""
        debts = self._share * self._total - self._picked
        for place in np.argsort(-debts, kind="stable").tolist():
            if debts[place] < 0.5:
                break
            rows = among & (self._places == place)
            if rows.any():
                return f"quota:{self._name}:{self._groups[place]}", rows
        return None

    def note(self, row: int) -> None:
        """The row was picked."""
        self._total += 1
        if self._places[row] >= 0:
            self._picked[self._places[row]] += 1

"""Rules, quotas, near-duplicates and costs, put together into what the gate is told of a micro-batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamsel.records import FeatureTable
from streamsel.selection.candidates import Candidates
from streamsel.selection.costs import Costs
from streamsel.selection.duplicates import Duplicates
from streamsel.selection.fields import Fields
from streamsel.selection.quotas import RAISED, Quota, QuotaAccounts
from streamsel.selection.rules import Rule, Rules
from streamsel.selection.ruling import SUPPRESSED, Ruling

Floats = NDArray[np.float64]

DUPLICATE = "duplicate"
"""The reason for suppression. A quota's is ``quota:name:group``, a rule's is its name."""


@dataclass(frozen=True, slots=True)
class ConstraintSettings:
    """What is constrained; by default nothing."""

    rules: tuple[Rule, ...] = ()
    quotas: tuple[Quota, ...] = ()
    costs: Costs = field(default_factory=Costs)
    duplicates: int = 0
    """How often a pattern is asked about within a window; 0 for no suppression."""
    window: int = 500
    """Events over which quotas and duplicates are seen to."""


class Constraints:
    """The constraints on one stream of micro-batches: ``rule`` each, then ``note_asked`` what came of it.

    A ruling depends on the micro-batch and on what was asked before it, never on its draws. Rules come before
    quotas, and both before utility; near-duplicates are suppressed unless a rule wants them.
    """

    def __init__(self, settings: ConstraintSettings) -> None:
        self._rules = Rules(settings.rules) if settings.rules else None
        self._quotas = [(quota.name, QuotaAccounts(quota, settings.window)) for quota in settings.quotas]
        self._costs = None if settings.costs.even else settings.costs
        self._duplicates = Duplicates(settings.duplicates, settings.window) if settings.duplicates else None
        self._looks_at_fields = bool(settings.rules or settings.quotas or self._costs)
        self._looks_at_points = False
        """In the latest micro-batch."""

    def rule(
        self,
        candidates: Candidates,
        table: FeatureTable,
        segments: Sequence[Mapping[str, str]] | None,
        labels: tuple[str, ...],
        utilities: Floats,
        fraction: float,
    ) -> Ruling | None:
        """What to tell the gate; ``None`` when nothing is constrained.

        ``utilities`` is (events,) in [0, 1], before costs; ``fraction`` the share of events asked about.
        """
        points = candidates.points
        self._looks_at_points = self._duplicates is not None and points is not None
        if not self._looks_at_fields and not self._looks_at_points:
            return None
        utilities = np.where(np.isnan(utilities), 1.0, utilities)
        fields = Fields(table, segments, labels, candidates.probabilities)
        ranks, reasons = self._rules.apply(fields) if self._rules else (np.zeros(len(candidates)), {})
        costs = None
        if self._costs is not None:
            costs = self._costs.of(fields, labels, candidates.probabilities)
            utilities = self._costs.per_cost(utilities, costs)
        raised: dict[int, tuple[str, ...]] = {}
        for name, accounts in self._quotas:
            rows = accounts.raised(fields, utilities, ranks == 0.0, fraction)
            for row, group in rows.items():
                raised[row] = (*raised.get(row, ()), f"quota:{name}:{group}")
        if raised:
            ranks[[*raised]] = RAISED
            reasons |= raised
        if self._duplicates is not None and points is not None:
            open_rows = (ranks == 0.0) | (ranks == RAISED)
            wanted = ranks + utilities
            hidden = self._duplicates.suppressed(points, wanted, open_rows, candidates.recent, fraction)
            if len(hidden):
                ranks[hidden] = SUPPRESSED
                reasons |= dict.fromkeys(hidden.tolist(), (DUPLICATE,))
        return Ruling(ranks, costs, reasons) if reasons or costs is not None else None

    def note_asked(self, rows: NDArray[np.intp]) -> None:
        """The rows of the latest micro-batch that were asked about, in any lane."""
        for _, accounts in self._quotas:
            accounts.note_asked(rows)
        if self._duplicates is not None and self._looks_at_points:
            self._duplicates.note_asked(rows)

    def per_cost(self, utilities: Floats, ruling: Ruling | None) -> Floats:
        """The utilities the gate is to compare, (events,) in [0, 1]: per cost, where costs differ."""
        if self._costs is None or ruling is None or ruling.costs is None:
            return utilities
        return self._costs.per_cost(utilities, ruling.costs)

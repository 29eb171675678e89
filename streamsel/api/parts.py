"""What the API is given, and the little it needs to know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamsel.config.auth import Auth
from streamsel.config.sections import Labels
from streamsel.metrics import Metrics
from streamsel.ports import EventIntake, SessionStore
from streamsel.review.oracles import Accounts
from streamsel.services.audit import Audit
from streamsel.services.desk import Desk
from streamsel.services.directing import Directing
from streamsel.services.evaluating import Evaluating
from streamsel.services.evidence.finding import EvidenceFinder
from streamsel.services.history import HistoryKeeper


@dataclass(frozen=True, slots=True)
class ModelView:
    """The serving model: what it is, how far it has read the label log, and what it has become."""

    preset: str
    version: int
    """Label-log offset: the records before it are folded in."""
    digest: str
    labels_learned: int
    fold_lag: int
    """Records in the label log that are not folded in yet."""
    spec: Mapping[str, Any]
    epoch: int
    """Of the label log: one more with every erasure, and versions then begin anew."""
    challengers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By the id of the challenge."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this process can do its work; if not, a sentence for each reason."""

    ready: bool
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ApiParts:
    """Everything behind the API. A part that is ``None`` makes its routes absent."""

    desk: Desk | None
    intake: EventIntake | None
    model: Callable[[], ModelView] | None
    health: Callable[[], Readiness]
    metrics: Metrics
    labels: Labels
    auth: Auth
    sessions: SessionStore
    audit: Audit
    history: HistoryKeeper
    target_backlog: int
    max_event_bytes: int
    directing: Directing | None = None
    lead_only: Sequence[str] = ()
    """Fields that only leads and admins are shown."""
    one_time_token: str | None = None
    """Opens one session of the page, once."""
    configuration: str | None = None
    """The id under which what is configured was recorded."""
    evidence: EvidenceFinder | None = None
    evaluating: Evaluating | None = None
    oracles: Accounts | None = None
    """Kept by another part."""

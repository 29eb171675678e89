"""Where a running desk looks for evidence."""

from __future__ import annotations

from streamsel.services.desk import Desk
from streamsel.services.evidence.finding import EvidenceFinder
from streamsel.wiring.logs import Logs


def evidence_finder(desk: Desk | None, logs: Logs) -> EvidenceFinder | None:
    """``None`` in a process that has no desk."""
    if desk is None:
        return None
    return EvidenceFinder(desk, logs.labels, logs.decision_readers, logs.audit, logs.configurations)

"""The life of a query at the desk, as one table.

                      release · lapse                          abort
                    ┌────────────────┐                   ┌───────────────┐
                    ▼                │                   ▼               │
    offer ──► waiting ──claim──► leased ──begin──────────────► recording ──settle──► labelled
                │ ▲ │               │ ▲└─extend                  │
                │ │ └─begin─────────┼─┼──────────────────────────┤ (late, its fence still the newest)
                │ └─────escalate────┘ └──────────────────────────┘ lapse (the process that recorded it died)
                ├─expire──► expired       lapse after the last attempt, in leased ──bury──► dead
                └─settle──► labelled  (the label log already had an answer, whatever the desk knew)

``leased`` has exactly one holder, named by its *fence*: a number that grows with every claim and never
falls. ``recording`` means the holder's label is on its way into the label log; nobody else may claim the
query meanwhile. ``settle`` is the log's word, and the log is the truth: it closes a query in any state.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a query is. ``LABELLED``, ``EXPIRED`` and ``DEAD`` are final for the desk."""

    WAITING = "waiting"
    LEASED = "leased"
    RECORDING = "recording"
    LABELLED = "labelled"
    EXPIRED = "expired"
    DEAD = "dead"


class Action(StrEnum):
    """What can happen to a query."""

    CLAIM = "claim"
    EXTEND = "extend"
    RELEASE = "release"
    ESCALATE = "escalate"
    BEGIN = "begin"
    ABORT = "abort"
    SETTLE = "settle"
    LAPSE = "lapse"
    BURY = "bury"
    EXPIRE = "expire"


TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.WAITING, Action.CLAIM): State.LEASED,
    (State.WAITING, Action.BEGIN): State.RECORDING,
    (State.WAITING, Action.SETTLE): State.LABELLED,
    (State.WAITING, Action.EXPIRE): State.EXPIRED,
    (State.LEASED, Action.EXTEND): State.LEASED,
    (State.LEASED, Action.RELEASE): State.WAITING,
    (State.LEASED, Action.ESCALATE): State.WAITING,
    (State.LEASED, Action.BEGIN): State.RECORDING,
    (State.LEASED, Action.SETTLE): State.LABELLED,
    (State.LEASED, Action.LAPSE): State.WAITING,
    (State.LEASED, Action.BURY): State.DEAD,
    (State.RECORDING, Action.ABORT): State.LEASED,
    (State.RECORDING, Action.SETTLE): State.LABELLED,
    (State.RECORDING, Action.LAPSE): State.WAITING,
    (State.EXPIRED, Action.SETTLE): State.LABELLED,
    (State.DEAD, Action.SETTLE): State.LABELLED,
}
"""Every move there is; what is not listed is refused and changes nothing."""

OPEN_STATES = frozenset({State.WAITING, State.LEASED, State.RECORDING})
"""States in which the query counts as backlog."""

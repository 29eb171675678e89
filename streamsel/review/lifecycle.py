"""The life of a query at the desk, as one table.

      offer           claim          begin             settle
    ────────► waiting ─────► leased ───────► recording ───────► labelled
               │ ▲ ▲          │ │ ▲           │ │ ▲
               │ │ └──────────┘ │ └───abort───┘ │ │
               │ │   release,   └─bury─► dead   │ │
               │ │   escalate,                  │ │
               │ │   lapse                      │ │
               │ └────────────lapse─────────────┘ │
               ├────────────begin (late)──────────┘
               └─expire─► expired

Not drawn: ``extend`` keeps a query leased, ``begin`` of the same label once more keeps it recording, and
``settle`` leads from every state to labelled.

``leased`` has exactly one holder, named by its *fence*: a number that grows with every claim and never
falls. A holder whose lease lapsed may still answer until someone else claims the query; one who released or
escalated it may not. ``recording`` means that the holder's label is on its way into the label log; nobody
else may claim the query meanwhile. It lapses only once all that could have reached the log has been read
from there. ``settle`` is the log's word, and the log is the truth: it closes a query in any state.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a query is. ``EXPIRED`` and ``DEAD`` are final but for an answer the log turns out to hold."""

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
    (State.RECORDING, Action.BEGIN): State.RECORDING,
    (State.RECORDING, Action.ABORT): State.LEASED,
    (State.RECORDING, Action.SETTLE): State.LABELLED,
    (State.RECORDING, Action.LAPSE): State.WAITING,
    (State.LABELLED, Action.SETTLE): State.LABELLED,
    (State.EXPIRED, Action.SETTLE): State.LABELLED,
    (State.DEAD, Action.SETTLE): State.LABELLED,
}
"""Every move there is; what is not listed is refused and changes nothing."""

OPEN_STATES = frozenset({State.WAITING, State.LEASED, State.RECORDING})
"""States in which the query counts as backlog."""

DEFAULT_QUEUE = "default"
ESCALATED_QUEUE = "escalated"
QUEUES = (DEFAULT_QUEUE, ESCALATED_QUEUE)
"""Where a query waits: every one at first in ``default``."""

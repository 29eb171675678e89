"""The life of a slot, as one table.

A query has as many *slots* as reviewers are to answer it, one for most. A slot is what waits, is leased and
is answered; where there is but one, it is the query.

      offer           claim            begin             settle
    ────────► waiting ─────► leased ─────────► recording ───────► labelled, opined
               │ ▲ ▲          │ │ ▲ ▲ │          │ │ ▲               │
               │ │ └──────────┘ │ │ └─│──abort───┘ │ │               │
               │ │   release,   │ │   └─bury─► dead│ │               │
               │ │   escalate,  │ └────────────────│─│─────reopen────┤
               │ │   skip,      └─withdraw─┐       │ │               │
               │ │   seize,                │       │ │               │
               │ │   lapse                 ▼       │ │               │
               │ └─────────────────────────│─lapse─┘ │               │
               │ ▲                         │         │               │
               ├─│───────────begin (late)──│─────────┘               │
               └─│─expire─► expired ◄──────┘                         │
                 └───────────────────────────────────────retract─────┘

Not drawn: ``extend`` keeps a slot leased, ``begin`` of the same label once more keeps it recording, and from
every state ``opine`` leads to opined, but for labelled, and ``settle`` to labelled.

``leased`` has exactly one holder, named by its *fence*: a number that grows with every claim and never
falls. A holder whose lease lapsed may still answer until someone else claims the slot; one who gave it up, or
from whom a lead has seized it, may not. ``recording`` means that the holder's label is on its way into the
label log; nobody else may claim the slot meanwhile. It lapses only once all that could have reached the log
has been read from there.

The log is the truth: its word moves a slot whatever state that is in. An opinion there opines its slot, a
label settles all slots of its query, a retraction takes either back: the slot waits again (``retract``), or
is leased to the very reviewer who undoes their answer (``reopen``).

When the last slot of a query with several is opined, or expired or dead beside opined ones, the query is
*complete*: its opinions are resolved to one label, or disputed. A dispute offers one more slot, the deciding
one, where the query escalates to. As always nobody gets two slots of one query, so none of those who gave
an opinion; and its answer is the query's label. A question whose answer is known is a query with a slot for
each reviewer who is asked it, which is withdrawn when they give it up.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a slot is. ``EXPIRED`` and ``DEAD`` are final but for an answer the log turns out to hold."""

    WAITING = "waiting"
    LEASED = "leased"
    RECORDING = "recording"
    OPINED = "opined"
    LABELLED = "labelled"
    EXPIRED = "expired"
    DEAD = "dead"


class Action(StrEnum):
    """What can happen to a slot."""

    CLAIM = "claim"
    EXTEND = "extend"
    RELEASE = "release"
    ESCALATE = "escalate"
    SKIP = "skip"
    SEIZE = "seize"
    WITHDRAW = "withdraw"
    BEGIN = "begin"
    ABORT = "abort"
    OPINE = "opine"
    SETTLE = "settle"
    RETRACT = "retract"
    REOPEN = "reopen"
    LAPSE = "lapse"
    BURY = "bury"
    EXPIRE = "expire"


TRANSITIONS: dict[tuple[State, Action], State] = {
    (State.WAITING, Action.CLAIM): State.LEASED,
    (State.WAITING, Action.BEGIN): State.RECORDING,
    (State.WAITING, Action.OPINE): State.OPINED,
    (State.WAITING, Action.SETTLE): State.LABELLED,
    (State.WAITING, Action.EXPIRE): State.EXPIRED,
    (State.LEASED, Action.EXTEND): State.LEASED,
    (State.LEASED, Action.RELEASE): State.WAITING,
    (State.LEASED, Action.ESCALATE): State.WAITING,
    (State.LEASED, Action.SKIP): State.WAITING,
    (State.LEASED, Action.SEIZE): State.WAITING,
    (State.LEASED, Action.WITHDRAW): State.EXPIRED,
    (State.LEASED, Action.BEGIN): State.RECORDING,
    (State.LEASED, Action.OPINE): State.OPINED,
    (State.LEASED, Action.SETTLE): State.LABELLED,
    (State.LEASED, Action.LAPSE): State.WAITING,
    (State.LEASED, Action.BURY): State.DEAD,
    (State.RECORDING, Action.BEGIN): State.RECORDING,
    (State.RECORDING, Action.ABORT): State.LEASED,
    (State.RECORDING, Action.OPINE): State.OPINED,
    (State.RECORDING, Action.SETTLE): State.LABELLED,
    (State.RECORDING, Action.LAPSE): State.WAITING,
    (State.OPINED, Action.OPINE): State.OPINED,
    (State.OPINED, Action.SETTLE): State.LABELLED,
    (State.OPINED, Action.RETRACT): State.WAITING,
    (State.OPINED, Action.REOPEN): State.LEASED,
    (State.LABELLED, Action.OPINE): State.LABELLED,
    (State.LABELLED, Action.SETTLE): State.LABELLED,
    (State.LABELLED, Action.RETRACT): State.WAITING,
    (State.LABELLED, Action.REOPEN): State.LEASED,
    (State.EXPIRED, Action.OPINE): State.OPINED,
    (State.EXPIRED, Action.SETTLE): State.LABELLED,
    (State.DEAD, Action.OPINE): State.OPINED,
    (State.DEAD, Action.SETTLE): State.LABELLED,
}
"""Every move there is; what is not listed is refused and changes nothing."""

OPEN_STATES = frozenset({State.WAITING, State.LEASED, State.RECORDING})
"""States in which a slot counts as backlog."""

URGENCY = (
    State.WAITING,
    State.LEASED,
    State.RECORDING,
    State.OPINED,
    State.EXPIRED,
    State.DEAD,
    State.LABELLED,
)
"""Of a query with several slots, the one whose state comes first here tells what the query waits for."""

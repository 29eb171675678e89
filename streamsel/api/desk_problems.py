"""What the desk says no with, and what is told while a server behind it does not answer, as problems."""

from __future__ import annotations

import math

from streamsel.api import problems
from streamsel.api.mistakes import printable
from streamsel.api.problems import Kind, Problem
from streamsel.learning.course import DirectiveRefused
from streamsel.ports import RecordTooLarge, SourceUnavailable
from streamsel.review.refusals import (
    DeskUnreachable,
    LabelLogUnreachable,
    NotPermitted,
    NotUndoable,
    OnBreak,
    Paused,
    Stale,
    Superseded,
    UnknownQuery,
    UnknownQueue,
    Unrecorded,
)
from streamsel.services.audit import Unaudited

_LONGEST_SENTENCE = 1_200
"""A reason that somebody gave fits in."""

REFUSALS: dict[type[Exception], Kind] = {
    UnknownQuery: problems.UNKNOWN_QUERY,
    UnknownQueue: problems.UNKNOWN_QUEUE,
    NotPermitted: problems.NOT_PERMITTED,
    Paused: problems.PAUSED,
    OnBreak: problems.ON_BREAK,
    Superseded: problems.SUPERSEDED,
    Stale: problems.STALE,
    NotUndoable: problems.NOT_UNDOABLE,
    Unrecorded: problems.UNRECORDED,
    RecordTooLarge: problems.TOO_LARGE,
    DirectiveRefused: problems.DIRECTIVE_REFUSED,
}
"""They speak for themselves: their messages are fit to show."""

OUTAGES: dict[type[Exception], Kind] = {
    DeskUnreachable: problems.DESK_UNREACHABLE,
    LabelLogUnreachable: problems.LABEL_LOG_UNREACHABLE,
    SourceUnavailable: problems.STREAM_UNREACHABLE,
    Unaudited: problems.UNAUDITED,
}
"""Their messages may name addresses, so a fixed sentence is shown."""


def problem_of(error: Exception) -> Problem:
    """The problem that one of these becomes; raises any other error."""
    for kind_of_error in type(error).__mro__:
        if kind_of_error in OUTAGES:
            detail = "Whether the call had an effect is not known; it is safe to repeat."
            return Problem(OUTAGES[kind_of_error], detail)
        if kind_of_error in REFUSALS:
            headers = None
            if isinstance(error, OnBreak):
                headers = {"Retry-After": str(max(1, math.ceil(error.retry_after_seconds)))}
            detail = printable(str(error), _LONGEST_SENTENCE)
            return Problem(REFUSALS[kind_of_error], detail, headers=headers)
    raise error

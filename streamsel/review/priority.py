"""Who is claimed first: the most useful, but nobody waits for ever.

Queries are claimed in the order of

    offered_at − ageing_seconds · head_start,    head_start in [0, 1],

so that of two queries the more useful one goes first unless the other has waited longer by more than
``ageing_seconds`` times the difference. The order of two waiting queries never changes, and it is known when
they are offered: one sorted set holds the queue. (J. R. Jackson, Some Problems in Queueing with Dynamic
Priorities, Naval Research Logistics Quarterly 7, 1960: the head start is his urgency number.)
"""

from __future__ import annotations

from streamsel.records import Query

AGEING_SECONDS = 30.0
"""Measured: with minutes, young queries kept overtaking old ones, whose answers came late, and what was
reviewed was worth no more. Anything shorter changes nothing."""


def ageing_seconds(expire_seconds: float) -> float:
    """The waiting time that makes up for a whole unit of utility: at most half of a query's life, so that
    even one of no utility comes to be claimed before it expires, if its kind can be served at all."""
    return min(expire_seconds / 2.0, AGEING_SECONDS)


def head_start(query: Query) -> float:
    """The query's utility, in [0, 1]; 1 in all lanes but the uncertain one.

    Exploration is there for honest evaluation: whether such a query is answered before it expires must not
    depend on its utility, or the sample would no longer be random. And what a rule asks for, it asks for
    whatever its utility.
    """
    return min(max(query.utility, 0.0), 1.0) if query.lane == "uncertain" else 1.0

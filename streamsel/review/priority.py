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


def head_start(query: Query) -> float:
    """The query's utility, in [0, 1]; 1 in the explore and rule lanes.

    Exploration is there for honest evaluation: whether such a query is answered before it expires must not
    depend on its utility, or the sample would no longer be random. And what a rule asks for, it asks for
    whatever its utility.
    """
    return 1.0 if query.lane in ("explore", "rule") else min(max(query.utility, 0.0), 1.0)

"""How many queries the reviewers can bear: shared facts to one query fraction.

A pure function, so that every selector that sees the same facts asks the same share of its events. The rate
of queries is proportional feedback on the backlog around a feed-forward of what the reviewers do:

    rate = capacity · clip((2·target − backlog) / target, 0, 2) · age factor + fill

At the target backlog this is just what the reviewers complete; at an empty queue twice that; at twice the
target nothing but the reserved share of what is drawn at random. A first-order loop with the dead time of
one report cannot ring. ``fill`` brings an idle queue up to its target so that the next reviewer finds work,
and nothing more.
(K. J. Åström and R. M. Murray, Feedback Systems, 2008, chapter 10: proportional control with feed-forward.)

The fraction is only as good as the event rate it was computed from: a stream that wakes up, or is caught up
with, can bring thousands of events before the next report. What may enter until then is therefore bounded in
queries as well, for all lanes by ``room`` and for those drawn at random by ``explore_room``.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_RESERVED = 0.5
"""The most of what reviewers complete that is reserved for random draws: were it all, a backlog above twice
its target would never fall."""
RESERVE_SECONDS = 1.0
"""So much of the reserve may enter at once; longer than a report takes."""


@dataclass(frozen=True, slots=True)
class CapacityFacts:
    """What all selectors know of reviewers and streams; rates per second, times in seconds."""

    backlog: int
    """Queries waiting or in a reviewer's hands."""
    oldest_seconds: float
    """Age of the oldest waiting query; 0 when none waits."""
    live_reviewers: int
    """Reviewers who claimed, extended or answered lately."""
    completions_per_second: float
    """Queries answered lately."""
    mean_review_seconds: float | None
    """From claim to answer, smoothed; ``None`` before the first answer."""
    events_per_second: float
    """Over all selectors."""
    selectors: int = 1
    """How many selectors share the room that is left."""


@dataclass(frozen=True, slots=True)
class QueryRate:
    """What the gate may spend, as shares of events in [0, 1]."""

    fraction: float
    """All queries, those drawn at random included."""
    explore_fraction: float
    """The exploration draw's share; kept, at the reviewers' measured pace, even when ``fraction`` is 0."""
    room: int
    """How many more queries may enter before the facts are known anew."""
    explore_room: float
    """How many of them may be drawn at random, explored or held out, in expectation; the reserve is kept even
    when ``room`` is 0."""
    affordable: float = 1.0
    """The share that the budgets allow; a smaller ``fraction`` is what reviewers can bear."""
    facts: CapacityFacts | None = None
    """What it follows from; ``None`` where no reviewer is waited for."""
    holdout_fraction: float = 0.0
    """The holdout draw's share; kept as exploration's is."""


@dataclass(frozen=True, slots=True)
class CapacityPolicy:
    """Budget, exploration share and target backlog as configured; see the module for the law."""

    budget: float
    """The largest share of events that may ever be asked about, in (0, 1]."""
    explore: float
    """Share of the queries drawn at random, in [0, 1], of those that are not held out."""
    target_backlog: int
    expire_seconds: float
    fill_seconds: float = 10.0
    """How fast an idle queue is filled to its target."""
    prior_review_seconds: float = 30.0
    """Assumed time for a review before the first answer."""
    holdout: float = 0.0
    """Share of events held out, at most ``budget``; where reviewers can bear less than that, it shrinks with
    the rest."""

    def rate(self, facts: CapacityFacts, affordable: float = 1.0) -> QueryRate:
        """The share of events to ask about now; no more than is ``affordable`` (see ``selection.budget``)."""
        budget = min(self.budget, affordable)
        target = self.target_backlog
        review_seconds = facts.mean_review_seconds or self.prior_review_seconds
        capacity = max(facts.completions_per_second, facts.live_reviewers / review_seconds)
        headroom = min(max((2 * target - facts.backlog) / target, 0.0), 2.0)
        fill = max(target - facts.backlog, 0) / self.fill_seconds
        queries_per_second = capacity * headroom * self._age_factor(facts.oldest_seconds) + fill
        events_per_second = max(facts.events_per_second, 1e-9)
        fraction = min(budget, queries_per_second / events_per_second)
        held_out = min(self.holdout / self.budget, 1.0)
        explored = (1.0 - held_out) * self.explore
        drawn = held_out + explored
        kept = min(MOST_RESERVED / drawn, 1.0) if drawn > 0.0 else 0.0
        reserved_fraction = min(budget, facts.completions_per_second / events_per_second)
        selectors = max(facts.selectors, 1)
        room = max(2 * target - facts.backlog, 0) // selectors
        reserved_room = kept * facts.completions_per_second * RESERVE_SECONDS / selectors
        # Above its target the backlog takes only what is drawn at random, and of that what is kept.
        least = max(fraction, kept * reserved_fraction)
        return QueryRate(
            fraction=fraction,
            explore_fraction=explored * least,
            room=room,
            explore_room=drawn * (room + reserved_room),
            affordable=budget,
            facts=facts,
            holdout_fraction=held_out * least,
        )

    def _age_factor(self, oldest_seconds: float) -> float:
        """Slows down when queries grow old: 1 up to half of their life, 0 at its end."""
        half = self.expire_seconds / 2
        return min(max((self.expire_seconds - oldest_seconds) / half, 0.0), 1.0)

"""Where a query waits, how many reviewers answer it, and whether it is sensitive.

All of it is a function of the query alone: a queue that is rebuilt from the decisions is what it was. Which
queries get several reviewers is drawn by a hash of the query id, as independent of what they are about as the
exploration draw.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from streamsel.records import DRAWN, Query
from streamsel.review.refusals import NotPermitted, UnknownQueue
from streamsel.review.reviewers import Reviewer

DEFAULT_QUEUE = "default"
ESCALATED_QUEUE = "escalated"
ESCALATED_TIER = 2

Condition: TypeAlias = Callable[[Query], bool]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a query goes when it is offered."""

    queue: str
    slots: int = 1
    """How many reviewers are to answer it, each for themselves."""
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class QueueRule:
    """A queue: which queries wait in it, and who may claim them."""

    name: str
    where: Condition | None = None
    """``None``: no query is placed here; queries are escalated to it, or it is ``default``."""
    tier: int = 1
    """The least tier of those who may claim from it."""
    escalates_to: str = ESCALATED_QUEUE
    sla_seconds: float | None = None
    """In which a query is to be answered, from when it came into the queue."""
    for_oracle: bool = False
    """Served by a model or rule: takes no query drawn at random, and none asked of several."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Which share of the queries is answered by how many reviewers."""

    share: float = 0.0
    reviewers: int = 2


class Routing:
    """The queues in order: the first whose condition holds takes the query, else ``default`` does.

    ``default`` and ``escalated`` are there whether named or not.
    """

    def __init__(
        self,
        queues: Sequence[QueueRule] = (),
        overlap: Overlap | None = None,
        sensitive: Condition | None = None,
    ) -> None:
        self._queues = {queue.name: queue for queue in queues}
        self._queues.setdefault(DEFAULT_QUEUE, QueueRule(DEFAULT_QUEUE))
        self._queues.setdefault(ESCALATED_QUEUE, QueueRule(ESCALATED_QUEUE, tier=ESCALATED_TIER))
        self._overlap = overlap or Overlap()
        self._sensitive = sensitive

    @property
    def queues(self) -> Sequence[QueueRule]:
        """All of them."""
        return list(self._queues.values())

    @property
    def first_queues(self) -> Sequence[str]:
        """Those in which queries wait at first; the others hold what was escalated."""
        return [queue.name for queue in self.queues if queue.where is not None or queue.name == DEFAULT_QUEUE]

    def place(self, query: Query) -> Placement:
        """Alike for one query, whenever it is asked."""
        slots = self._overlap.reviewers if _draw(query.query_id) < self._overlap.share else 1
        spared = query.lane in DRAWN or slots > 1
        return Placement(
            queue=next(self._takers(query, spared), DEFAULT_QUEUE),
            slots=slots,
            sensitive=self._sensitive is not None and self._sensitive(query),
        )

    def open_to(self, reviewer: Reviewer, named: Sequence[str] = ()) -> Sequence[str]:
        """The queues this reviewer claims from: those ``named``, or all that are theirs.

        Raises ``UnknownQueue`` or ``NotPermitted`` for one that is named and is not there, or not theirs.
        """
        for name in named:
            if name not in self._queues:
                raise UnknownQueue(name, list(self._queues))
            if not self._is_open(self._queues[name], reviewer):
                raise NotPermitted(name)
        return named or [queue.name for queue in self.queues if self._is_open(queue, reviewer)]

    def _is_open(self, queue: QueueRule, reviewer: Reviewer) -> bool:
        return queue.tier <= reviewer.tier and (reviewer.queues is None or queue.name in reviewer.queues)

    def _takers(self, query: Query, spared: bool) -> Iterator[str]:
        for queue in self.queues:
            if queue.where is not None and not (spared and queue.for_oracle) and queue.where(query):
                yield queue.name


def _draw(query_id: str) -> float:
    """Uniform in [0, 1), from 64 bits of BLAKE2b (RFC 7693)."""
    digest = hashlib.blake2b(query_id.encode("utf-8", "surrogatepass"), digest_size=8, person=b"overlap")
    return int.from_bytes(digest.digest(), "big") / 2**64

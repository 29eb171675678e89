"""When labelling has stopped to pay: a rule declared beforehand, so that nobody stops at a lucky moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from streamsel.learning.evaluation.rounds import ROUND, Round


@dataclass(frozen=True, slots=True)
class Plateau:
    """The accuracy over all events, of the last so many labels against as many before."""

    labels: int
    margin: float
    """A smaller gain is none."""


def resting_since(rounds: Sequence[Round], drifts: Sequence[float], plateau: Plateau) -> float | None:
    """Since when exploration alone is asked about, if it is: from the end of the first round at which the
    rule held, until a change of the stream is found, after which it needs as many labels anew.

    ``drifts`` are the times of changes; rounds as ``rounds`` gives them.
    """
    span = -(-plateau.labels // ROUND)
    since: float | None = None
    fresh: list[Round] = []
    for one in rounds:
        if any(one.since <= at < one.until for at in drifts):
            since, fresh = None, []
            continue
        fresh.append(one)
        if since is None and len(fresh) >= 2 * span:
            before, after = (
                fmean(each.accuracy.value for each in some)
                for some in (fresh[-2 * span : -span], fresh[-span:])
            )
            if after - before < plateau.margin:
                since = one.until
    last = rounds[-1].until if rounds else 0.0
    return None if any(at >= last for at in drifts) else since

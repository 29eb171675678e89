"""A label log to fold: transactions of fifteen features, some labels corrected, some taken back."""

from __future__ import annotations

from random import Random
from typing import cast

from loadtest.events import FEATURES, transaction
from streamsel.records import Features, Label, LogRecord, Retraction

LABELS = ("legit", "fraud")
CORRECTED, RETRACTED = 0.002, 0.001
"""Shares of the records that supersede an earlier label."""
RECENT = 2_000
"""It is one of the last so many: mistakes are noticed soon."""


def label_log(records: int, seed: int, *, superseding: bool = True) -> list[LogRecord]:
    """One record in five is of the explore lane."""
    draw = Random(seed)
    log: list[LogRecord] = []
    for offset in range(records):
        kind = draw.random() if superseding and offset else 1.0
        of = draw.randrange(max(offset - RECENT, 0), max(offset, 1))
        if kind < CORRECTED:
            log.append(_label(draw, of, revision=2 + offset))
        elif kind < CORRECTED + RETRACTED:
            log.append(Retraction(f"q{of}", 2 + offset, "mistaken", "ada", float(offset)))
        else:
            log.append(_label(draw, offset, revision=1))
    return log


def _label(draw: Random, number: int, revision: int) -> Label:
    event, label = transaction(draw, number)
    share = draw.random()
    features = {name: event[name] for name in FEATURES}
    return Label(
        label_id=f"q{number}",
        revision=revision,
        event_id=f"t{number}",
        label=label,
        source="reviewer",
        labelled_by="ada",
        labelled_at=float(number),
        features=cast(Features, features),
        query_id=f"q{number}",
        lane="explore" if draw.random() < 0.2 else "uncertain",
        propensity=0.1,
        probabilities={LABELS[0]: 1.0 - share, LABELS[1]: share},
        model_version=number,
        decided_at=float(number),
        seconds=3.0,
    )

"""A desk whose model was evaluated: an hour of events, some of them labelled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from streamsel.codec import encode_log_record
from streamsel.codec.summaries import encode_summary
from streamsel.learning.evaluation.sums import DecidedEvents, Membership, summed
from streamsel.records import Label, Summary
from streamsel.services.ending import end
from tests.api.reviewing import LABELS, Reviewing

MINUTES, LABELS_A_MINUTE, EVENTS_A_MINUTE = 5, 60, 3_000
LABELLED, EVENTS = MINUTES * LABELS_A_MINUTE, MINUTES * EVENTS_A_MINUTE
_PROPENSITY = LABELS_A_MINUTE / EVENTS_A_MINUTE


@asynccontextmanager
async def evaluated(desk: Reviewing) -> AsyncIterator[None]:
    """Everything settled; the evaluation runs meanwhile. In the last minute far more is thought fraud."""
    evaluating = desk.parts.evaluating
    assert evaluating is not None
    began = (time.time() - 7_200.0) // 60 * 60
    await desk.label_log.append([encode_log_record(_label(number, began)) for number in range(LABELLED)])
    summaries = [encode_summary(_summary(minute, began)) for minute in range(MINUTES)]
    await desk.summaries.append(summaries)
    running = asyncio.create_task(evaluating.run())
    try:
        await evaluating.reached(LABELLED, MINUTES)
        yield
    finally:
        await end(running)


def _label(number: int, began: float) -> Label:
    fraud = number % 10 == 0
    said = 0.3 if number % 20 == 0 else 0.8 if fraud else 0.1
    decided_at = began + 60.0 * (number // LABELS_A_MINUTE) + 5.0
    return Label(
        label_id=f"q{number}", revision=1, event_id=f"e{number}", label="fraud" if fraud else "legitimate",
        source="reviewer", labelled_by="ana", labelled_at=decided_at + 600.0, features={},
        query_id=f"q{number}", lane="explore", propensity=_PROPENSITY,
        probabilities={"legitimate": 1.0 - said, "fraud": said}, model_version=1, decided_at=decided_at,
        segments={"country": "PT" if number % 2 else "<b>BR</b>"}, seconds=20.0,
    )  # fmt: skip


def _summary(minute: int, began: float) -> Summary:
    said = np.resize([0.8, *[0.8 if minute == MINUTES - 1 else 0.1] * 4, *[0.1] * 5], EVENTS_A_MINUTE)
    lanes = np.zeros(EVENTS_A_MINUTE, np.int8)
    lanes[:LABELS_A_MINUTE] = 2
    propensities = np.full(EVENTS_A_MINUTE, _PROPENSITY)
    decided = DecidedEvents(np.stack([1.0 - said, said], axis=1), lanes, propensities)
    rows = np.arange(EVENTS_A_MINUTE)
    sums = summed(decided, 2, 3, Membership(rows, 1 + rows % 2))
    cells = ("", "country=<b>BR</b>", "country=PT")
    at = began + 60.0 * minute
    return Summary(f"p:{minute}", at, at + 59.0, EVENTS_A_MINUTE, tuple(LABELS.names), cells, sums)

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

LABELLED, EVENTS = 60, 3_000


@asynccontextmanager
async def evaluated(desk: Reviewing) -> AsyncIterator[None]:
    """Everything settled; the evaluation runs meanwhile."""
    evaluating = desk.parts.evaluating
    assert evaluating is not None
    began = (time.time() - 7_200.0) // 60 * 60
    await desk.label_log.append([encode_log_record(_label(number, began)) for number in range(LABELLED)])
    await evaluating._summaries.append([encode_summary(_summary(began))])  # type: ignore[attr-defined]
    running = asyncio.create_task(evaluating.run())
    try:
        await evaluating.reached(LABELLED, 1)
        yield
    finally:
        await end(running)


def _label(number: int, began: float) -> Label:
    fraud = number % 10 == 0
    said = 0.3 if number % 20 == 0 else 0.8 if fraud else 0.1
    return Label(
        label_id=f"q{number}", revision=1, event_id=f"e{number}", label="fraud" if fraud else "legitimate",
        source="reviewer", labelled_by="ana", labelled_at=began + 600.0, features={}, query_id=f"q{number}",
        lane="explore", propensity=LABELLED / EVENTS, probabilities={"legitimate": 1.0 - said, "fraud": said},
        model_version=1, decided_at=began + 5.0, segments={"country": "PT" if number % 2 else "<b>BR</b>"},
        seconds=20.0,
    )  # fmt: skip


def _summary(began: float) -> Summary:
    said = np.resize([0.8, *[0.1] * 9], EVENTS)
    lanes = np.zeros(EVENTS, np.int8)
    lanes[:LABELLED] = 2
    decided = DecidedEvents(np.stack([1.0 - said, said], axis=1), lanes, np.full(EVENTS, LABELLED / EVENTS))
    rows = np.arange(EVENTS)
    sums = summed(decided, 2, 3, Membership(rows, 1 + rows % 2))
    cells = ("", "country=<b>BR</b>", "country=PT")
    return Summary("p:0", began, began + 59.0, EVENTS, tuple(LABELS.names), cells, sums)

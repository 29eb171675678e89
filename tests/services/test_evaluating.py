"""The model's quality follows both logs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisKeptLog, RedisLabelLog
from streamsel.codec import encode_log_record
from streamsel.codec.summaries import encode_summary
from streamsel.learning.evaluation.evaluation import Terms
from streamsel.metrics import Metrics
from streamsel.records import Retraction
from streamsel.services.ending import end
from streamsel.services.evaluating import Evaluating
from tests.core.evaluated import NAMES, START, label, summary_of
from tests.services.desk.desks import LabelLogDouble

TERMS = Terms(NAMES, 600.0)
LABELS = [
    label(number, "yes" if number % 4 else "no", 0.9, at=START + 60.0 * number, propensity=1.0)
    for number in range(20)
]


class Later:
    """An hour after the first event."""

    def time(self) -> float:
        return START + 3_600.0

    def monotonic(self) -> float:
        return 0.0


async def test_it_tells_what_the_logs_say_and_goes_on(valkey: EmbeddedValkey, prefix: str) -> None:
    """On a real server: from their beginnings, past what cannot be read, to what comes later."""
    streams = RedisStreams(valkey.url, prefix)
    labels, summaries, metrics = RedisLabelLog(streams), RedisKeptLog(streams, streams.summaries), Metrics()
    await labels.append([*map(encode_log_record, LABELS), b"no record"])
    await summaries.append(
        [b"no summary", *(encode_summary(summary_of([one], n)) for n, one in enumerate(LABELS))]
    )
    evaluating = Evaluating(labels, summaries, TERMS, Later(), metrics)
    assert evaluating.quality.windows == {}
    running = asyncio.create_task(evaluating.run())
    await evaluating.reached(21, 21)
    whole = evaluating.quality.windows["start"].whole
    assert (whole.events, whole.asked, whole.answered) == (20, 20, 20)
    assert whole.measures["accuracy"].value == pytest.approx(0.75)
    text = metrics.exposition().decode()
    assert 'streamsel_live_quality{bound="value",measure="accuracy",window="start"} 0.75' in text
    assert 'streamsel_live_answered{window="hour"} 20.0' in text
    await labels.append([encode_log_record(Retraction("q0", 2, "undone", "ana", START))])
    await evaluating.reached(22, 21)
    assert evaluating.quality.windows["start"].whole.answered == 19
    await end(running)
    await labels.close()
    await summaries.close()


class AwayAtFirst(LabelLogDouble):
    """Answers from the second time on that it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    async def read(self, start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        self.reads += 1
        self.reachable = self.reads > 1
        return await super().read(start, max_records, wait_seconds)


async def test_outages_are_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told once, and what was missed comes after."""
    monkeypatch.setattr("streamsel.services.log_following._OUTAGE_SECONDS", 0.01)
    labels, summaries = AwayAtFirst(), LabelLogDouble()
    await labels.append([encode_log_record(LABELS[0])])
    await summaries.append([encode_summary(summary_of(LABELS[:1], 0))])
    evaluating = Evaluating(labels, summaries, TERMS, Later(), Metrics())
    with capture_logs() as logs:
        running = asyncio.create_task(evaluating.run())
        await evaluating.reached(1, 1)
        await end(running)
    assert [entry["event"] for entry in logs] == ["evaluation_outage"]
    assert evaluating.quality.windows["start"].whole.answered == 1

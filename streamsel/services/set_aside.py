"""Records of the label log that can't be used, on their way to the dead letters."""

from __future__ import annotations

import structlog

from streamsel.codec import encode_dead_letter
from streamsel.learning.applied import Applied, Outcome
from streamsel.metrics import Metrics
from streamsel.ports import Clock, DeadLetterSink, SourceUnavailable
from streamsel.records import DeadLetter, Source
from streamsel.services.folding import LogEntry

LARGEST_PAYLOAD = 100_000
"""Bytes kept in a dead letter; the label log has them all."""

_REASONS = {Outcome.UNREADABLE: "unreadable_label", Outcome.UNKNOWN_LABEL: "unknown_label"}


class SetAside:
    """Learning does not wait for it: what can't be sent now is sent the next time."""

    def __init__(self, sink: DeadLetterSink, topic: str, metrics: Metrics, clock: Clock) -> None:
        """``topic`` names the log in dead letters."""
        self._sink = sink
        self._topic = topic
        self._metrics = metrics
        self._clock = clock
        self._log = structlog.get_logger()
        self._letters: list[DeadLetter] = []
        self._waiting = False

    def add(self, entry: LogEntry, applied: Applied) -> None:
        """A record for the next ``send``, if it is one of those."""
        reason = _REASONS.get(applied.outcome)
        if reason is not None:
            source = Source(self._topic, 0, entry.offset)
            payload, detail = entry.payload[:LARGEST_PAYLOAD], entry.detail or applied.detail
            self._letters.append(DeadLetter(reason, detail, source, payload, self._clock.time()))

    async def send(self) -> None:
        """Sends what there is, if the topic answers."""
        if not self._letters:
            return
        try:
            await self._sink.send(list(map(encode_dead_letter, self._letters)))
        except SourceUnavailable as error:
            if not self._waiting:
                self._log.warning("dead_letters_wait", count=len(self._letters), error=str(error))
            self._waiting = True
            return
        for letter in self._letters:
            self._metrics.dead_letters.labels(letter.reason).inc()
            self._log.warning(
                "dead_letter", reason=letter.reason, detail=letter.detail, source=str(letter.source)
            )
        self._letters.clear()
        self._waiting = False

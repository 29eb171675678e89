"""How well the reviewers do, from the label log alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from streamsel.codec import Unreadable, decode_log_record
from streamsel.ports import LogReader
from streamsel.review.panel import Panel
from streamsel.review.quality import ReviewerQuality, Tally
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.services.dawid_skene import Estimate, NotInstalled, dawid_skene

_RECORDS_A_READ = 500
_READ_SECONDS = 5.0
"""For records that are known to be there."""


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Of the log up to ``records``."""

    records: int
    overlapping: int
    """Queries that were answered by two reviewers or more."""
    disputed: int
    """Of these, those that wait for somebody to decide."""
    alpha: float | None
    """Krippendorff's α over them."""
    reviewers: list[ReviewerQuality]
    dawid_skene: Estimate | None
    """Over overlap and gold; ``None`` when there is no such answer, or crowd-kit is not installed."""
    note: str = ""
    """What is missing, and how to get it."""

    def as_json(self) -> dict[str, Any]:
        """One object."""
        content = asdict(self)
        for one in content["reviewers"]:
            one["gold_interval"] = list(one["gold_interval"])
        return content


async def quality_report(
    log: LogReader, labels: int, watch: Callable[[int], Callable[[int], None]]
) -> QualityReport:
    """Reads the whole log. ``labels`` is how many there are to choose from; ``watch`` is told how many
    records it has, and gives what is told how many more are through. Raises ``LabelLogUnreachable``."""
    tally, panel = Tally(labels), Panel()
    end = await log.end()
    advance = watch(end)
    while tally.position < end:
        size = min(_RECORDS_A_READ, end - tally.position)
        batch = await log.read(tally.position, size, _READ_SECONDS)
        if not batch:
            raise LabelLogUnreachable(f"nothing at offset {tally.position} of a log that ends at {end}")
        for _, content in batch:
            try:
                record = decode_log_record(content)
            except Unreadable:
                record = None  # who learns from the log sets it aside
            tally.add(record)
            panel.add(record)
        advance(len(batch))
    estimate, note = None, ""
    if answers := list(panel.answers):
        try:
            estimate = dawid_skene(answers, panel.truths)
        except NotInstalled as missing:
            note = str(missing)
    return QualityReport(
        records=tally.position,
        overlapping=tally.overlapping,
        disputed=sum(1 for _ in tally.disputed()),
        alpha=tally.alpha,
        reviewers=[tally.quality(name) for name in tally.reviewers],
        dawid_skene=estimate,
        note=note,
    )

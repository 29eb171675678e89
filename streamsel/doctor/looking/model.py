"""The model as configured, its log and its snapshots."""

from __future__ import annotations

import asyncio

from streamsel.adapters.clock import SystemClock
from streamsel.codec import Unreadable, decode_log_record
from streamsel.config import Config, ConfigurationError
from streamsel.doctor.judging.model import LogFacts, SnapshotFacts
from streamsel.metrics import Metrics
from streamsel.ports import LabelLog, SourceUnavailable, TopicRefused
from streamsel.ports.snapshots import SnapshotsUnavailable
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.wiring.models import directing, model_spec

LOOKED_AT = 1_000
_READ_SECONDS = 2.0


async def why_not_built(config: Config) -> str:
    """Why the configured model can't be built; empty if it can."""
    from streamsel.learning.presets import build  # River takes its time to import

    try:
        await asyncio.to_thread(build, model_spec(config))
    except Exception as error:  # noqa: BLE001 - a factory of one's own may raise anything
        return str(error) or type(error).__name__
    return ""


async def look_at_log(log: LabelLog) -> LogFacts:
    """Its newest records, decoded."""
    try:
        end = await log.end()
        start = max(await log.beginning(), end - LOOKED_AT)
        records = await log.read(start, LOOKED_AT, _READ_SECONDS) if end > start else []
    except (LabelLogUnreachable, SourceUnavailable, TopicRefused, TimeoutError) as error:
        return LogFacts(unreachable=str(error))
    unreadable = []
    for offset, content in records:
        try:
            decode_log_record(content)
        except Unreadable as why:
            unreadable.append((offset, str(why)))
    return LogFacts(end, len(records), unreadable)


async def look_at_snapshots(config: Config, log: LabelLog) -> SnapshotFacts | None:
    """``None`` where none are configured."""
    from streamsel.wiring.learning import snapshots_of

    try:
        snapshots = snapshots_of(config, log, Metrics(), SystemClock())
        if snapshots is None:
            return None
        course = directing(config, log)
        end = await course.read()
        listed = await snapshots.listed(course.course.now, end)
    except (ConfigurationError, SnapshotsUnavailable, LabelLogUnreachable, TopicRefused) as error:
        return SnapshotFacts(unavailable=str(error))
    if not listed:
        return SnapshotFacts()
    newest = listed[0]
    behind = 0 if newest.header is None else end - newest.header.offset
    return SnapshotFacts(newest=newest.name, refused=newest.refused, behind=behind)

"""The model: can it be built, can its log be read, is there a snapshot to start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from streamsel.doctor.finding import Finding, fail, ok, unknown, warn

MANY_RECORDS = 50_000
"""From here on a start without a snapshot takes its time."""


@dataclass(frozen=True, slots=True)
class LogFacts:
    """Of the label log."""

    records: int = 0
    looked_at: int = 0
    """The newest."""
    unreadable: Sequence[tuple[int, str]] = ()
    """Offset and why."""
    unreachable: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """Of the store of snapshots."""

    unavailable: str = ""
    newest: str = ""
    """Its name; empty if there is none."""
    refused: str = ""
    """Why it must not be used."""
    behind: int = 0
    """Records of the log that it has not seen."""


def judge_model(preset: str, broken: str) -> Finding:
    """``broken``: why the model can't be built; empty if it can."""
    if broken:
        return fail("model.builds", broken, "set model.preset, or model.factory to what can be imported here")
    return ok("model.builds", f"{preset} can be built")


def judge_log(facts: LogFacts) -> Finding:
    if facts.unreachable:
        return unknown(
            "model.log",
            f"the label log could not be read: {facts.unreachable}",
            "mend what is found of Kafka or Redis first",
        )
    if facts.unreadable:
        offset, why = facts.unreadable[0]
        return warn(
            "model.log",
            f"{len(facts.unreadable)} of the newest {facts.looked_at} records of the label log are none of"
            f" ours, and are left out of the model; the first is at offset {offset}: {why}",
            "let nothing but streamsel write to the labels topic; of a later release, upgrade this one",
        )
    return ok("model.log", f"the label log holds {facts.records} records, and can be read")


def judge_snapshots(facts: SnapshotFacts | None, log: LogFacts) -> Iterator[Finding]:
    """``None``: none are configured."""
    if facts is None:
        if log.records > MANY_RECORDS:
            yield warn(
                "snapshots.newest",
                f"without snapshots every start folds all {log.records} records",
                "snapshots.url, and snapshots.key as of: openssl rand -base64 32",
            )
        else:
            yield ok("snapshots.newest", "there are none, and the log is short enough without")
    elif facts.unavailable:
        yield fail(
            "snapshots.store",
            f"snapshots can't be read or written: {facts.unavailable}",
            "set snapshots.url to a place that this user may write to, and install its package (s3fs, gcsfs)",
        )
    elif not facts.newest:
        yield ok("snapshots.newest", "the store can be read; there is none yet")
    elif facts.refused:
        yield warn(
            "snapshots.newest",
            f"{facts.newest} is of no use: {facts.refused}; a start goes to an older one, or folds the log",
            "the same snapshots.key, model and release in every selector; streamsel model snapshots",
        )
    else:
        yield ok("snapshots.newest", f"{facts.newest} is signed and loads; {facts.behind} records behind")

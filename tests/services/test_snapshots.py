"""Snapshots of a learner on a real label log: taken now and then, and started from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
from structlog.typing import EventDict

from streamsel.adapters.clock import SystemClock
from streamsel.adapters.snapshot_store import FileSnapshotStore
from streamsel.learning.applied import Applied
from streamsel.learning.fold import Fold
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.metrics import Metrics
from streamsel.records import LogRecord
from streamsel.services.learner import Learner
from streamsel.services.snapshots import SnapshotPolicy, Snapshots
from tests.contracts.test_snapshot_store import full_disk
from tests.core.learning_strategies import label_record, retraction_record, table_of
from tests.services.learning_bench import LABELS, SPEC, Bench, following, mixed_records, sample

KEY = b"k" * 32
POLICY = SnapshotPolicy(labels=20, seconds=3600.0, keep=3)


def snapshots_of(bench: Bench, folder: Path, policy: SnapshotPolicy = POLICY, key: bytes = KEY) -> Snapshots:
    return Snapshots(FileSnapshotStore(str(folder)), bench.log, key, policy, Metrics(), SystemClock())


def learner_of(bench: Bench, snapshots: Snapshots, spec: ModelSpec = SPEC) -> Learner:
    return Learner(
        bench.log, spec, snapshots._metrics, SystemClock(), bench.dead_letters, snapshots=snapshots
    )


@contextmanager
def told(event: str) -> Iterator[asyncio.Queue[EventDict]]:
    """The log lines of this event, as they come."""
    lines: asyncio.Queue[EventDict] = asyncio.Queue()

    def notice(_: object, __: str, line: EventDict) -> EventDict:
        if line["event"] == event:
            lines.put_nowait(line)
        return line

    with structlog.testing.capture_logs([notice]):
        yield lines


async def grown(bench: Bench, folder: Path, batches: int, spec: ModelSpec = SPEC) -> None:
    """A snapshot after each batch of 20 labels."""
    snapshots = snapshots_of(bench, folder)
    learner = learner_of(bench, snapshots, spec)
    with told("snapshot_written") as written:
        async with following(learner):
            for seed in range(batches):
                await bench.write(*mixed_records(20, seed))
                await written.get()


def files(folder: Path) -> list[Path]:
    """In order of their names."""
    return sorted(folder.iterdir())


def offsets(folder: Path) -> list[int]:
    """Of the snapshots there are."""
    return sorted(int(path.name.split("-")[0]) for path in folder.glob("*.snapshot"))


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Offsets of the records that any fold takes."""
    seen: list[int] = []
    advance = Fold.advance

    def watched(fold: Fold, records: Sequence[LogRecord | None]) -> list[Applied]:
        seen.extend(range(fold.version, fold.version + len(records)))
        return advance(fold, records)

    monkeypatch.setattr(Fold, "advance", watched)
    return seen


async def restarted(bench: Bench, folder: Path, spec: ModelSpec = SPEC, key: bytes = KEY) -> Learner:
    """Another process, at the log's end."""
    learner = learner_of(bench, snapshots_of(bench, folder, key=key), spec)
    await learner.catch_up()
    assert learner.digest() == bench.digest(spec)
    return learner


class TestTaking:
    async def test_one_is_taken_after_so_many_labels_and_the_last_ones_are_kept(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        """Older ones are deleted."""
        await grown(bench, tmp_path, 5)
        assert offsets(tmp_path) == [60, 80, 100]

    async def test_one_is_taken_after_so_long(self, bench: Bench, tmp_path: Path) -> None:
        """If there was a label, however few there were."""
        snapshots = snapshots_of(bench, tmp_path, SnapshotPolicy(labels=1_000_000, seconds=1e-9))
        learner = learner_of(bench, snapshots)
        with told("snapshot_written") as written:
            async with following(learner):
                await bench.write(label_record("a"))
                await written.get()
        assert offsets(tmp_path) == [1]

    async def test_selectors_that_share_a_store_take_turns(self, bench: Bench, tmp_path: Path) -> None:
        """What one has taken, another need not."""
        await grown(bench, tmp_path, 3)
        snapshots = snapshots_of(bench, tmp_path)
        fold = (await restarted(bench, tmp_path)).scorer.fold
        await snapshots.take_if_due(fold, ())
        await snapshots.finish()
        assert sample(learner_of(bench, snapshots), "streamsel_snapshots_written_total") == 0

    async def test_a_full_disk_stops_neither_serving_nor_learning(self, bench: Bench, tmp_path: Path) -> None:
        """It is told of, and no half snapshot is there; the next one is written when there is room."""
        snapshots = snapshots_of(bench, tmp_path)
        learner = learner_of(bench, snapshots)
        async with following(learner):
            with full_disk(500), told("snapshot_failed") as failed:
                await bench.write(*mixed_records(20))
                line = await failed.get()
            assert "File too large" in line["error"]
            assert not files(tmp_path)
            assert sample(learner, "streamsel_snapshots_failed_total") == 1
            assert learner.scorer.probabilities(table_of([(1.0,)], ("amount",))).shape == (1, 3)
            with told("snapshot_written") as written:
                await learner.reached(await bench.write(*mixed_records(20, 2)))
                await written.get()
        assert offsets(tmp_path) == [40]
        assert learner.digest() == bench.digest()


class TestStarting:
    @pytest.mark.parametrize("preset", PRESETS)
    async def test_goes_on_from_the_newest_and_learns_the_rest(
        self, bench: Bench, tmp_path: Path, applied: list[int], preset: str
    ) -> None:
        """To the same model as one that learned all of it."""
        spec = ModelSpec(LABELS, preset, text="note")
        await grown(bench, tmp_path, 2, spec)
        await bench.write(*mixed_records(5, 9))
        applied.clear()
        snapshots = snapshots_of(bench, tmp_path)
        learner = learner_of(bench, snapshots, spec)
        await learner.catch_up()
        assert applied == [40, 41, 42, 43, 44]
        assert learner.digest() == bench.digest(spec)

    @pytest.mark.parametrize(
        "superseding",
        [label_record("1/3", 2, "fraud"), retraction_record("1/3", 2)],
        ids=["correction", "retraction"],
    )
    async def test_a_label_superseded_since_is_not_in_the_model(
        self, bench: Bench, tmp_path: Path, applied: list[int], superseding: LogRecord
    ) -> None:
        """An older snapshot that has not learned it is gone on from: label 1/3 is the record at 23."""
        await grown(bench, tmp_path, 3)
        await bench.write(superseding)
        applied.clear()
        await restarted(bench, tmp_path)
        assert min(applied[: -len(bench.written)]) == 20

    async def test_an_older_snapshot_may_have_learned_what_was_superseded_as_well(
        self, bench: Bench, tmp_path: Path, applied: list[int]
    ) -> None:
        """Then one older still is gone on from: the first correction, of before the newest, concerns it."""
        await grown(bench, tmp_path, 2)  # snapshots at 20 and 40
        snapshots = snapshots_of(bench, tmp_path)
        learner = learner_of(bench, snapshots)
        with told("snapshot_written") as written:
            async with following(learner):
                await bench.write(retraction_record("0/3", 2), *mixed_records(20, 2))
                await written.get()
        assert offsets(tmp_path)[-1] > 60
        await bench.write(retraction_record("1/15", 2))  # at 35: the snapshot at 20 is the newest before it
        applied.clear()
        await restarted(bench, tmp_path)
        assert min(applied[: -len(bench.written)]) == 0

    async def test_a_running_selector_rewinds_to_a_snapshot_as_well(
        self, bench: Bench, tmp_path: Path, applied: list[int]
    ) -> None:
        """Where it has no copy of its own, as after a start."""
        await grown(bench, tmp_path, 3)
        learner = await restarted(bench, tmp_path)
        applied.clear()
        async with following(learner):
            applied.clear()
            await learner.reached(await bench.write(retraction_record("2/5", 2)))
            assert min(applied) == 40
            assert learner.digest() == bench.digest()


def flipped(path: Path, place: int) -> None:
    """One bit of the file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


class TestRefusing:
    async def reasons(
        self, bench: Bench, folder: Path, spec: ModelSpec = SPEC, key: bytes = KEY
    ) -> Mapping[str, float]:
        """Why a process that starts did not use some, having told of each; it comes to the right model."""
        with structlog.testing.capture_logs() as lines:
            learner = await restarted(bench, folder, spec, key)
        told = [line["reason"] for line in lines if line["event"] == "snapshot_refused"]
        counted = {
            reason: sample(learner, "streamsel_snapshots_refused_total", reason=reason) or 0
            for reason in told
        }
        assert sum(counted.values()) == len(told)
        return counted

    async def test_what_is_damaged_is_passed_over_for_the_next_older_one(
        self, bench: Bench, tmp_path: Path, applied: list[int]
    ) -> None:
        """A flipped bit, and an end that is missing; the oldest is good."""
        await grown(bench, tmp_path, 3)
        _, middle, newest = files(tmp_path)
        flipped(newest, 5000)
        middle.write_bytes(middle.read_bytes()[:-9])
        applied.clear()
        assert await self.reasons(bench, tmp_path) == {"signature": 1, "truncated": 1}
        assert applied[0] == 20

    async def test_where_none_is_good_the_log_is_folded_from_its_start(
        self, bench: Bench, tmp_path: Path, applied: list[int]
    ) -> None:
        """Signed with another key, or of another model."""
        await grown(bench, tmp_path, 2)
        applied.clear()
        assert await self.reasons(bench, tmp_path, key=b"x" * 32) == {"signature": 2}
        assert applied[0] == 0
        assert await self.reasons(bench, tmp_path, ModelSpec(LABELS, seed=9)) == {"spec": 2}

    async def test_another_logs_are_refused(self, bench: Bench, tmp_path: Path) -> None:
        """One that ends before, and one that goes on otherwise; even where it began alike."""
        await grown(bench, tmp_path, 2)
        records = bench.written
        async with bench.streams.client() as client:
            await client.delete(bench.streams.labels)
        bench.written = []
        await bench.write(*(record for record in records[:30] if record is not None))
        assert await self.reasons(bench, tmp_path) == {"ahead": 1}
        await bench.write(*mixed_records(30, 7))
        assert await self.reasons(bench, tmp_path) == {"log": 1}

    async def test_what_the_store_can_not_read_is_passed_over(self, bench: Bench, tmp_path: Path) -> None:
        """The log has everything."""
        await grown(bench, tmp_path, 1)
        (tmp_path / "9.snapshot").mkdir()
        assert await self.reasons(bench, tmp_path) == {"unreadable": 1}

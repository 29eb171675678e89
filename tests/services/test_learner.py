"""Following the label log on a real server: learning, correcting, outages, and the event loop left free."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
import structlog
from structlog.typing import EventDict

from streamsel.adapters.clock import SystemClock
from streamsel.codec import decode_dead_letter, encode_log_record
from streamsel.learning.applied import Applied
from streamsel.learning.fold import Fold
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.metrics import Metrics
from streamsel.ports import TopicRefused
from streamsel.records import LogRecord, Source
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.services.folding import SLICE_SECONDS
from streamsel.services.learner import Learner
from tests.core.learning_strategies import (
    label_record,
    mixed_record,
    retraction_record,
    table_of,
)
from tests.servers import running_valkey
from tests.services.learning_bench import LABELS, SPEC, Bench, bench_on, following, mixed_records, sample


class TestCatchUp:
    async def test_folds_what_the_log_holds(self, bench: Bench) -> None:
        """A process started on an old log has the model of one that was always there."""
        end = await bench.write(*mixed_records(700), retraction_record("1/50", 2), b"not JSON")
        learner = bench.learner()
        await learner.catch_up()
        assert (learner.version, learner.labels_learned, learner.lag) == (end, 699, 0)
        assert learner.digest() == bench.digest()
        assert sample(learner, "streamsel_model_version") == end

    async def test_does_not_report_again_what_was_met_before(self, bench: Bench) -> None:
        """Old labels are not counted as new, and old dead records were set aside when they came."""
        await bench.write(*mixed_records(5), b"not JSON", label_record("a", 1, "perhaps"))
        learner = bench.learner()
        await learner.catch_up()
        assert await bench.dead_letter_log.end() == 0
        assert sample(learner, "streamsel_labels_total", source="reviewer", label="fine") is None

    async def test_of_an_empty_log_leaves_an_unfitted_model(self, bench: Bench) -> None:
        """Which has no opinion on anything."""
        learner = bench.learner()
        await learner.catch_up()
        assert learner.version == 0
        assert learner.scorer.probabilities(table_of([(1.0,)], ("x",))).shape == (1, 0)


class TestFollowing:
    async def test_each_label_moves_the_version_by_one(self, bench: Bench) -> None:
        """And shows in predictions and metrics."""
        learner = bench.learner()
        async with following(learner):
            for label in LABELS:
                end = await bench.write(label_record(label, 1, label, {"x": float(len(label))}))
                await learner.reached(end)
                assert learner.version == end
        assert learner.scorer.probabilities(table_of([(4.0,)], ("x",))).shape == (1, 3)
        assert sample(learner, "streamsel_labels_total", source="reviewer", label="fraud") == 1
        assert sample(learner, "streamsel_fold_lag") == 0
        assert (sample(learner, "streamsel_stage_seconds_count", stage="learn") or 0) >= 3

    @pytest.mark.parametrize("preset", PRESETS)
    async def test_corrections_and_retractions_are_as_if_made_at_once(
        self, bench: Bench, preset: str
    ) -> None:
        """The digest becomes that of a model that never learned what was taken back."""
        spec = ModelSpec(LABELS, preset, text="note")
        learner = bench.learner(spec)
        async with following(learner):
            count = _few(200, preset)
            await bench.write(*mixed_records(count))
            draw = random.Random(2)
            for _ in range(3):
                corrected = mixed_record(draw, f"1/{draw.randrange(count // 2)}", 2)
                retracted = retraction_record(f"1/{draw.randrange(count // 2, count)}", 2)
                await learner.reached(await bench.write(corrected, *mixed_records(5, draw.randrange(99))))
                await learner.reached(await bench.write(retracted))
                assert learner.digest() == bench.digest(spec)
        replica = bench.learner(spec)
        await replica.catch_up()
        assert replica.digest() == learner.digest()

    async def test_goes_on_serving_while_a_correction_is_folded_in(self, bench: Bench) -> None:
        """Versions never go back, what serves is always complete, and each label is counted once."""
        learner = bench.learner()
        served: list[int] = []

        async def watch() -> None:
            while True:
                served.append(learner.version)
                assert learner.scorer.fold.complete
                assert len(learner.digest()) == 32
                await asyncio.sleep(0)

        async with following(learner):
            watching = asyncio.create_task(watch())
            await learner.reached(await bench.write(*mixed_records(1_500)))
            end = await bench.write(retraction_record("1/0", 2), *mixed_records(3, seed=3))
            await learner.reached(end)
            watching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await watching
        assert served == sorted(served)
        assert learner.labels_learned == 1_502
        counted = [
            sample(learner, "streamsel_labels_total", source="reviewer", label=label) or 0 for label in LABELS
        ]
        assert sum(counted) == 1_503

    async def test_unreadable_and_unknown_labels_are_set_aside(self, bench: Bench) -> None:
        """With reason, place and payload, once; the version passes over them."""
        await bench.write(b"met by somebody before")
        learner = bench.learner()
        unknown = label_record("a", 1, "perhaps")
        async with following(learner):
            await learner.reached(await bench.write(b"\xff", unknown, label_record("b", 1, "fine")))
        letters = [decode_dead_letter(payload) for _, payload in await bench.dead_letter_log.read(0, 10, 1.0)]
        assert [(one.reason, one.source, one.payload) for one in letters] == [
            ("unreadable_label", Source("labels", 0, 1), b"\xff"),
            ("unknown_label", Source("labels", 0, 2), encode_log_record(unknown)),
        ]
        assert "'perhaps' is not one of the labels fine, fraud, review" in letters[1].detail
        assert learner.labels_learned == 1
        assert sample(learner, "streamsel_dead_letters_total", reason="unknown_label") == 1

    async def test_a_log_that_lost_its_records_stops_it(self, bench: Bench) -> None:
        """Rather than wait for ever for offsets that will mean something else."""
        learner = bench.learner()
        async with following(learner) as run:
            await learner.reached(await bench.write(*mixed_records(3)))
            async with bench.streams.client() as client:
                await client.delete(bench.streams.labels)
            with pytest.raises(TopicRefused, match="ends at offset 0 and does not have 3"):
                await run

    async def test_what_an_estimator_fails_on_is_counted_and_passed_over(self, bench: Bench) -> None:
        """Labels it can't learn and events it can't score."""
        learner = bench.learner(ModelSpec(LABELS, factory=f"{__name__}:Fragile"))
        async with following(learner):
            bad = label_record("a", 1, "fine", {"x": "bad"})
            await learner.reached(await bench.write(bad, *(label_record(one, 1, one) for one in LABELS)))
            learner.scorer.probabilities(table_of([("bad",), (1.0,)], ("x",)))
            await learner.reached(await bench.write(label_record("b")))
        assert learner.labels_learned == 4
        assert sample(learner, "streamsel_model_errors_total") == 2


async def test_serves_through_an_outage_of_the_log_and_goes_on_after_it(prefix: str) -> None:
    """The model predicts meanwhile; one log line says that the log is gone, one that it is back."""
    table = table_of([(1.0, "SE")], ("amount", "country"))
    gone = asyncio.Event()

    def notice(_: object, __: str, line: EventDict) -> EventDict:
        if line["event"] == "label_log_unreachable":
            gone.set()
        return line

    with running_valkey() as server, structlog.testing.capture_logs([notice]) as lines:
        async with bench_on(server, prefix) as bench:
            learner = bench.learner()
            async with following(learner):
                await learner.reached(await bench.write(*mixed_records(50)))
                server.kill()
                await gone.wait()
                with pytest.raises(LabelLogUnreachable):
                    await bench.log.end()
                assert learner.scorer.probabilities(table).shape == (1, 3)
                server.start()
                await learner.reached(await bench.write(*mixed_records(50, seed=2)))
    assert learner.labels_learned == 100
    events = [line["event"] for line in lines if "reachable" in line["event"]]
    assert events == ["label_log_unreachable", "label_log_reachable"]


async def test_learning_does_not_wait_for_the_dead_letters(bench: Bench, prefix: str) -> None:
    """A record that can't be set aside now is set aside later; the labels after it are learned at once."""
    with running_valkey() as server:
        async with bench_on(server, prefix) as elsewhere:
            learner = Learner(bench.log, SPEC, Metrics(), SystemClock(), elsewhere.dead_letters)
            async with following(learner):
                server.kill()
                await learner.reached(await bench.write(b"not JSON", label_record("a")))
                await learner.reached(await bench.write(label_record("b")))
                assert learner.labels_learned == 2
                server.start()
                (letter,) = await elsewhere.dead_letter_log.read(0, 10, 10.0)
    assert decode_dead_letter(letter[1]).source == Source("labels", 0, 0)


class SlowFolding:
    """The time, as it would pass if every record took a millisecond to fold and nothing else took any."""

    RECORD_SECONDS = 0.001

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folded = 0
        advance = Fold.advance

        def slowly(fold: Fold, records: Sequence[LogRecord | None]) -> list[Applied]:
            self.folded += len(records)
            return advance(fold, records)

        monkeypatch.setattr(Fold, "advance", slowly)

    def time(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return self.folded * self.RECORD_SECONDS


async def test_never_holds_the_event_loop_for_longer_than_a_slice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it catches up, follows and rewinds: between two turns of the loop only so many are folded."""
    clock = SlowFolding(monkeypatch)
    learner = Learner(bench.log, SPEC, Metrics(), clock, bench.dead_letters)
    held: list[int] = []

    async def turn() -> None:
        last = 0
        while True:
            await asyncio.sleep(0)
            held.append(clock.folded - last)
            last = clock.folded

    await bench.write(*mixed_records(600))
    turning = asyncio.create_task(turn())
    async with following(learner):
        for seed in range(2, 32):
            await bench.write(*mixed_records(20, seed))
        await learner.reached(await bench.write(retraction_record("1/50", 2)))
    turning.cancel()
    assert learner.digest() == bench.digest()
    assert sum(held) > 2 * 1200  # all of them, and all again
    assert 1 < max(held) <= SLICE_SECONDS / SlowFolding.RECORD_SECONDS + 1


def _few(labels: int, preset: str) -> int:
    """So many, or a few where they make for many fits."""
    return labels // 6 if preset == "portfolio" else labels


class Fragile:
    """An estimator of someone's own that fails where ``x`` is bad."""

    def __init__(self, labels: Sequence[str], seed: int) -> None:
        del seed
        self._labels = labels

    def learn_one(self, x: dict[str, object], y: str) -> None:
        del y
        if x["x"] == "bad":
            raise ValueError("bad")

    def predict_proba_one(self, x: dict[str, object]) -> dict[str, float]:
        if x["x"] == "bad":
            raise ValueError("bad")
        return dict.fromkeys(self._labels, 1 / len(self._labels))

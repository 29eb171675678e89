"""What a learner makes of directives in the label log: at one offset everywhere, while it goes on serving."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streamsel.learning.fold import Fold
from streamsel.learning.gaps import Gap
from streamsel.learning.spec import ModelSpec
from streamsel.records import Directive, DirectiveAction, Label, LogRecord, ModelChoice
from tests.core.learning_strategies import retraction_record, table_of
from tests.services.learning_bench import SPEC, Bench, following, mixed_records
from tests.services.test_snapshots import POLICY, learner_of, snapshots_of, told

TREE = replace(SPEC, preset="tree", seed=3)
SET_TREE = ModelChoice("tree", seed=3)


def directive(action: DirectiveAction, **needed: Any) -> Directive:
    return Directive(f"{action} {needed}", action, "ada", 1.0, **needed)


def digest_of(log: list[LogRecord], spec: ModelSpec, gaps: list[Gap]) -> str:
    """Of a fold that was told all of it beforehand."""
    fold = Fold(spec, gaps)
    for offset, record in enumerate(log):
        fold.note(offset, record)
    for offset, record in enumerate(log):
        fold.apply(offset, record)
    return fold.digest()


CASES: dict[str, tuple[list[LogRecord], ModelSpec, list[Gap]]] = {
    "another model is set": (
        [*mixed_records(20), directive("set_spec", model=SET_TREE), *mixed_records(9, 2)],
        TREE,
        [],
    ),
    "and the first one again": (
        [
            *mixed_records(20),
            directive("set_spec", model=SET_TREE),
            *mixed_records(9, 2),
            directive("set_spec", model=ModelChoice("logistic")),
            *mixed_records(5, 3),
        ],
        SPEC,
        [],
    ),
    "rolled back": (
        [*mixed_records(30), directive("roll_back", version=12), *mixed_records(5, 2)],
        SPEC,
        [Gap(12, 30)],
    ),
    "rolled back to before a correction": (
        [
            *mixed_records(20),
            retraction_record("1/3", 2),
            *mixed_records(5, 2),
            directive("roll_back", version=20),
            *mixed_records(5, 3),
        ],
        SPEC,
        [Gap(20, 26)],
    ),
    "rolled back to before another model": (
        [
            *mixed_records(20),
            directive("set_spec", model=SET_TREE),
            *mixed_records(5, 2),
            directive("roll_back", version=20),
        ],
        SPEC,
        [Gap(20, 26)],
    ),
    "frozen": ([*mixed_records(20), directive("freeze"), *mixed_records(9, 2)], SPEC, [Gap(20)]),
    "frozen and thawed": (
        [
            *mixed_records(20),
            directive("freeze"),
            *mixed_records(9, 2),
            retraction_record("1/3", 2),
            directive("thaw"),
            *mixed_records(4, 3),
        ],
        SPEC,
        [],
    ),
    "refused": ([*mixed_records(20), directive("thaw"), *mixed_records(4, 3)], SPEC, []),
}
cases = pytest.mark.parametrize("case", CASES)


@cases
async def test_record_by_record_it_ends_as_if_it_had_known(bench: Bench, case: str) -> None:
    """One after another, each met before the next is written."""
    log, spec, gaps = CASES[case]
    learner = bench.learner()
    async with following(learner):
        for record in log:
            await learner.reached(await bench.write(record))
        assert learner.digest() == digest_of(log, spec, gaps)
        assert learner.scorer.fold.spec == spec


@cases
async def test_in_one_go_it_ends_as_record_by_record(bench: Bench, case: str) -> None:
    """What comes behind a directive is in the log already when it is met; and so for one that starts now."""
    log, spec, gaps = CASES[case]
    learner = bench.learner()
    async with following(learner):
        await learner.reached(await bench.write(*log))
        assert learner.digest() == digest_of(log, spec, gaps)
    started = bench.learner()
    await started.catch_up()
    assert started.digest() == learner.digest()


@cases
async def test_from_any_snapshot_it_ends_as_from_nothing(bench: Bench, case: str, tmp_path: Path) -> None:
    """Snapshots of another model, or of what has been rolled back since, are passed over."""
    log, spec, gaps = CASES[case]
    snapshots = snapshots_of(bench, tmp_path, replace(POLICY, labels=4))
    learner = learner_of(bench, snapshots)
    async with following(learner):
        for record in log:
            await learner.reached(await bench.write(record))
        await snapshots.finish()
    started = learner_of(bench, snapshots_of(bench, tmp_path))
    await started.catch_up()
    assert started.digest() == digest_of(log, spec, gaps)
    assert started.in_force == learner.in_force


async def test_the_old_model_serves_until_the_new_one_is_there(bench: Bench) -> None:
    """Never an unfitted one, never a version further back, and all replicas switch behind one offset."""
    learner, other = bench.learner(), bench.learner()
    table = table_of([(1.0,)], ("x",))
    served: set[tuple[str | None, int]] = set()

    async def watch() -> None:
        while True:
            assert learner.scorer.probabilities(table).shape == (1, 3)
            served.add((learner.scorer.fold.spec.preset, learner.version))
            await asyncio.sleep(0)

    async with following(learner), following(other):
        await learner.reached(await bench.write(*mixed_records(600)))
        watching = asyncio.create_task(watch())
        await bench.write(directive("set_spec", model=SET_TREE))
        end = await bench.write(*mixed_records(20, 2))
        await learner.reached(end)
        await other.reached(end)
        watching.cancel()
        assert learner.digest() == other.digest()
    assert max(version for preset, version in served if preset == "logistic") <= 600
    assert min(version for preset, version in served if preset == "tree") > 600


async def test_a_snapshot_tells_the_directives_before_it(bench: Bench, tmp_path: Path) -> None:
    """So that a start need not read the log from the beginning to know its model."""
    snapshots = snapshots_of(bench, tmp_path)
    learner = learner_of(bench, snapshots)
    with told("snapshot_written") as written:
        async with following(learner):
            await bench.write(directive("set_spec", model=SET_TREE), *mixed_records(40))
            await written.get()
    reads: list[int] = []
    read = bench.log.read

    async def watched(start: int, max_records: int, wait_seconds: float) -> Sequence[tuple[int, bytes]]:
        if max_records > 1:
            reads.append(start)
        return await read(start, max_records, wait_seconds)

    bench.log.read = watched  # type: ignore[method-assign]
    started = learner_of(bench, snapshots_of(bench, tmp_path))
    await started.catch_up()
    assert started.scorer.fold.spec == TREE
    assert min(reads, default=41) >= 20


async def test_frozen_labels_are_not_lost(bench: Bench) -> None:
    """They do not count while the model stands still; thawed, it has them all."""
    learner = bench.learner()
    async with following(learner):
        await learner.reached(await bench.write(*mixed_records(10)))
        await learner.reached(await bench.write(directive("freeze"), *mixed_records(7, 2)))
        assert (learner.labels_learned, learner.lag) == (10, 0)
        await learner.reached(await bench.write(directive("thaw")))
        assert learner.labels_learned == 17


def test_cases_hold_labels() -> None:
    """Every log has what a model could learn."""
    assert all(any(isinstance(record, Label) for record in log) for log, _, _ in CASES.values())

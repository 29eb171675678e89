"""Which labels stand at an offset, and putting them into another log; on every kind of label log."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from hashlib import sha256
from io import BytesIO

import orjson
import pytest

from streamsel.adapters.dataset_file import SUFFIXES, dataset_writer
from streamsel.codec import decode_log_record, encode_log_record
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.ports import LabelLog
from streamsel.records import Label, LogRecord
from streamsel.services.audit_reading import records
from streamsel.services.comparing import Version, difference, version_of
from streamsel.services.importing import dataset_labels, import_labels
from streamsel.services.seeding import BadRow
from streamsel.services.standing import OffsetNotThere, StandingLabels, standing_labels
from tests.contracts.log_servers import LogServers
from tests.core.learning_strategies import mixed_record, opinion_record, retraction_record
from tests.services.learning_bench import LABELS, SPEC


async def write(log: LabelLog, *records: LogRecord | bytes) -> None:
    await log.append([one if isinstance(one, bytes) else encode_log_record(one) for one in records])


async def standing(log: LabelLog, at: int | None = None) -> StandingLabels:
    return await standing_labels(log, at, LABELS, lambda _total: lambda _more: None)


async def exported(log: LabelLog, at: int | None, suffix: str) -> bytes:
    """What would be in the file."""
    found = await standing(log, at)
    table = found.columns.table(reviewers=False)
    file = BytesIO()
    with dataset_writer(file, suffix, table.columns) as row:
        async for offset, label in found.labels():
            row(table.row(offset, label))
    return file.getvalue()


async def fold_of(log: LabelLog, spec: ModelSpec = SPEC) -> Fold:
    """All of it, looked at before it is learned."""
    content = [decode_log_record(one) async for _, one in records(log, 0, await log.end())]
    fold = Fold(spec)
    for offset, record in enumerate(content):
        fold.note(offset, record)
    for offset, record in enumerate(content):
        fold.apply(offset, record)
    return fold


async def test_the_newest_revisions_stand_less_what_was_taken_back(log: LabelLog) -> None:
    """Opinions, labels that are none of ours and what can't be read are left out; the later two counted."""
    draw = random.Random(1)
    first = [mixed_record(draw, name) for name in "abc"]
    again = mixed_record(draw, "a", revision=2)
    odd = replace(mixed_record(draw, "d"), label="unheard-of")
    await write(log, *first, opinion_record("b"), again, retraction_record("b", 2), odd, b"no record")
    found = await standing(log)
    assert [(offset, label.label_id) async for offset, label in found.labels()] == [(2, "c"), (4, "a")]
    assert (found.at, found.unknown, found.unreadable) == (8, 1, 1)
    before = await standing(log, 3)
    assert [label async for _, label in before.labels()] == first
    with pytest.raises(OffsetNotThere, match="8"):
        await standing(log, 9)


async def test_what_is_held_out_stands_by_its_newest_revision_and_keeps_its_lane(
    log: LabelLog, valkey_log: LabelLog
) -> None:
    """Corrected or taken back as any label, though no model learns from it; an import holds it out again."""
    draw = random.Random(6)
    first, taken_back = (replace(mixed_record(draw, name), lane="holdout") for name in "ab")
    corrected = replace(first, revision=2, label="review")
    await write(log, first, taken_back, corrected, retraction_record("b", 2), mixed_record(draw, "c"))
    rows = [orjson.loads(line) for line in (await exported(log, None, ".jsonl")).splitlines()]
    assert [(row["label_id"], row["revision"], row["label"], row["lane"]) for row in rows] == [
        ("a", 2, "review", "holdout"),
        ("c", 1, rows[1]["label"], "none"),
    ]
    labels = dataset_labels(enumerate(rows), LABELS, ())
    await import_labels(valkey_log, labels, lambda _: None)
    assert [(await fold_of(one)).labels_learned for one in (log, valkey_log)] == [1, 1]


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_one_offset_gives_the_same_bytes_while_labels_arrive(
    servers: LogServers, log: LabelLog, suffix: str
) -> None:
    """Two others append meanwhile, corrections of what is exported among it."""
    draw = random.Random(2)
    await write(log, *(mixed_record(draw, f"l{number}") for number in range(1_200)))
    before = sha256(await exported(log, 1_200, suffix)).hexdigest()
    done = asyncio.Event()

    async def append(name: str) -> None:
        other, own, number = servers.labels(), random.Random(name), 0
        while not done.is_set():
            number += 1
            await write(other, mixed_record(own, f"{name}{number}"), mixed_record(own, f"l{number}", 2))

    appending = [asyncio.create_task(append(name)) for name in "xy"]
    try:
        meanwhile = sha256(await exported(log, 1_200, suffix)).hexdigest()
    finally:
        done.set()
        await asyncio.gather(*appending)
    assert await log.end() > 1_200
    assert meanwhile == before
    assert sha256(await exported(log, 1_200, suffix)).hexdigest() == before
    assert sha256(await exported(log, None, suffix)).hexdigest() != before


async def test_what_is_imported_makes_the_same_model(log: LabelLog, valkey_log: LabelLog) -> None:
    """In a log that had nothing else; a second time adds nothing, nor do older revisions."""
    draw = random.Random(3)
    labels = [mixed_record(draw, f"l{number}") for number in range(700)]
    await write(log, *labels)
    done: list[int] = []
    imported = await import_labels(valkey_log, labels, done.append)
    assert (imported.added, imported.known, imported.end, sum(done)) == (700, 0, 700, 700)
    assert (await fold_of(valkey_log)).digest() == (await fold_of(log)).digest()
    again = await import_labels(valkey_log, [*labels, mixed_record(draw, "new")], done.append)
    assert (again.added, again.known, again.end) == (1, 700, 701)
    await write(valkey_log, retraction_record("l7", 2))
    assert (await import_labels(valkey_log, labels, done.append)).added == 0
    newer = await import_labels(valkey_log, [mixed_record(draw, "l7", revision=3)], done.append)
    assert newer.added == 1


def test_a_row_that_does_not_belong_here_is_named() -> None:
    """A label that is none of ours, and a field that is redacted here."""
    row = {"label_id": "1", "event_id": "e", "label": "fine", "labelled_at": 1.0, "feature.card.number": 4}
    with pytest.raises(BadRow, match=r"row 2: column 'label' is 'fine'"):
        list(dataset_labels([(2, row)], ["spam", "ham"], []))
    with pytest.raises(BadRow, match=r"row 2: column 'feature.card.number'"):
        list(dataset_labels([(2, row)], LABELS, ["card"]))


def test_a_difference_tells_what_came_went_and_changed() -> None:
    """Not where in a log a label lies, nor who gave it."""
    draw = random.Random(4)
    one, two, three = (mixed_record(draw, name) for name in "123")

    def versions(*labels: Label) -> dict[str, Version]:
        return {label.label_id: version_of(label) for label in labels}

    moved = replace(one, model_version=77, labelled_by="somebody")
    other = replace(two, features={**two.features, "extra": 1.0})
    found = difference(versions(one, two), versions(moved, other, three))
    assert (list(found.added), list(found.removed), list(found.changed)) == (["3"], [], ["2"])
    assert (found.unchanged, found.same) == (1, False)
    assert difference(versions(one), versions(moved)).same

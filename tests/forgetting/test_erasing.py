"""A subject's traces erased from everywhere, whatever kills the process that does it."""

from __future__ import annotations

import secrets
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from loadtest.inside.fate import Fate, Killed
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams_log import RedisKeptLog
from streamsel.codec import encode_log_record
from streamsel.services.erasing import StillThere
from streamsel.services.subjects import Expired
from tests.contracts.review_queue.stores import query
from tests.forgetting.world import SECRET, THEIRS, filled_world, fold_of, without_subject


async def test_nothing_of_the_subject_is_left(valkey: EmbeddedValkey, prefix: str, tmp_path: Path) -> None:
    """Not in label log, decisions, events, dead letters, summaries, queue or snapshots, whole or not; the
    rest is as it was, and the model is one that never saw them."""
    async with filled_world(valkey.url, prefix, tmp_path) as world:
        assert SECRET.encode() in await world.everything()
        erasure = await world.erasure()
        found = await erasure.find()
        # Of two of the three events an opinion and a label, and of one of these a retraction.
        assert list(found.label_records) == [4, 5, 6, 7, 20]
        assert set(found.queries) == {query(number).query_id for number in THEIRS}
        assert {name: len(offsets) for name, offsets in found.others.items()} == dict.fromkeys(world.logs, 3)
        assert SECRET.encode() in await world.everything()

        erased = await erasure.carry_out(found)
        assert (erased.epoch, erased.label_records, erased.exports_from, erased.snapshots) == (2, 5, 4, 1)
        assert SECRET.encode() not in await world.everything()
        assert await world.label_log() == without_subject(world)
        assert fold_of(await world.label_log()).digest() == fold_of(without_subject(world)).digest()
        assert await world.client.xlen(world.streams.decisions(0)) == 12 - len(THEIRS)
        assert sum((await world.queue.status()).waiting.values()) == 12 - len(THEIRS)
        assert await world.client.hget(f"{{{prefix}}}:desk", "settled:2") == b"16"
        assert not (await (await world.erasure()).find()).anything
        summaries = RedisKeptLog(world.streams, world.streams.summaries, whole=False)
        assert [offset + 1 for offset, _ in await summaries.read(0, 20, 0.0)] == [
            number for number in range(1, 13) if number not in THEIRS
        ]
        await summaries.close()


async def test_killed_anywhere_one_epoch_is_whole_and_the_next_run_finishes(
    valkey: EmbeddedValkey, tmp_path: Path
) -> None:
    """Before every effect in turn."""
    lives, died = 0, True
    while died:
        prefix, folder = f"test-{secrets.token_hex(6)}", tmp_path / str(lives)
        async with filled_world(valkey.url, prefix, folder) as world:
            fate = Fate(lives)
            try:
                erasure = await world.erasure(fate=fate)
                await erasure.carry_out(await erasure.find())
            except Killed:
                old = [*map(encode_log_record, world.written), b"no record"]
                switched = await world.epochs.current() > 1
                assert await world.label_log() == (without_subject(world) if switched else old)
            died = fate.dead
            again = await world.erasure()
            await again.carry_out(await again.find())
            assert SECRET.encode() not in await world.everything()
            assert await world.label_log() == without_subject(world)
        lives += 1
    assert lives > 10


async def test_what_is_too_old_is_erased_by_its_own_time(
    valkey: EmbeddedValkey, prefix: str, tmp_path: Path
) -> None:
    """Opinions are of second 1, retractions of 2, labels and decisions of the second of their number."""
    async with filled_world(valkey.url, prefix, tmp_path) as world:
        erasure = await world.erasure(Expired(before=6.0))
        erased = await erasure.carry_out(await erasure.find())
        assert (erased.epoch, erased.label_records) == (2, 10 + 5 + 2)
        left = await world.label_log()
        assert [fold_of(left).labels_learned, len(left)] == [5, 7]
        assert erased.others == {"decisions:0": 5, "dead-letters": 6, "events:0": 0, "summaries": 0}
        assert sum((await world.queue.status()).waiting.values()) == 7


async def test_where_there_is_nothing_nothing_moves(
    valkey: EmbeddedValkey, prefix: str, tmp_path: Path
) -> None:
    """The epoch, and with it all model versions, and the snapshots stay."""
    async with filled_world(valkey.url, prefix, tmp_path) as world:
        erasure = await world.erasure(Expired(before=0.0))
        erased = await erasure.carry_out(await erasure.find())
        assert (erased.epoch, erased.label_records, erased.exports_from, erased.snapshots) == (1, 0, None, 0)
        assert await world.snapshots.names() == ["1.snapshot"]
        assert len(await world.label_log()) == len(world.written) + 1


async def test_what_is_found_again_is_told(
    valkey: EmbeddedValkey, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that does not forget makes it fail."""

    async def nothing(_query_ids: object) -> int:
        return 0

    async with filled_world(valkey.url, prefix, tmp_path) as world:
        monkeypatch.setattr(world.store, "forget", nothing)
        erasure = await world.erasure()
        with pytest.raises(StillThere, match="3 in queries on the desk"):
            await erasure.carry_out(await erasure.find())


async def test_the_append_only_file_forgets_too() -> None:
    """Nothing the server keeps on disk has the value any more."""
    with TemporaryDirectory(prefix="erase-") as directory:
        folder = Path(directory)
        with EmbeddedValkey(folder / "data") as server:
            async with filled_world(server.url, "test", folder / "snapshots") as world:
                assert SECRET.encode() in _on_disk(folder)
                erasure = await world.erasure()
                await erasure.carry_out(await erasure.find())
                assert SECRET.encode() not in _on_disk(folder)
                assert await world.label_log() == without_subject(world)


def _on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())

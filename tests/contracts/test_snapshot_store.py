"""What a store of snapshots promises, over every kind of storage there is here."""

from __future__ import annotations

import resource
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamsel.adapters.snapshot_store import FileSnapshotStore
from streamsel.ports.snapshots import SnapshotsUnavailable

LARGE: list[bytes | bytearray | memoryview] = [
    bytes(300_000),
    bytearray(b"x" * 100_000),
    memoryview(b"y" * 10),
]


@pytest.fixture(params=["path", "file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An address of nothing so far."""
    folder = tmp_path / "not" / "there yet"
    return {"path": f"{folder}", "file": f"file://{folder}", "memory": f"memory://{secrets.token_hex(8)}"}[
        request.param
    ]


@pytest.fixture
def store(url: str) -> FileSnapshotStore:
    return FileSnapshotStore(url)


async def test_gives_back_what_was_written_last_names_first(store: FileSnapshotStore) -> None:
    """In pieces of any kind, and in any order."""
    assert await store.names() == []
    await store.write("2.snapshot", LARGE)
    await store.write("10.snapshot", [b"ten"])
    await store.write("3.snapshot", [])
    assert await store.names() == ["3.snapshot", "2.snapshot", "10.snapshot"]
    assert await store.read("2.snapshot") == b"".join(LARGE)
    assert await store.read("3.snapshot") == b""


async def test_a_name_written_again_has_what_was_written_last(store: FileSnapshotStore) -> None:
    """As when two selectors take the same snapshot."""
    await store.write("1.snapshot", LARGE)
    await store.write("1.snapshot", [b"short"])
    assert await store.names() == ["1.snapshot"]
    assert await store.read("1.snapshot") == b"short"


async def test_cleared_it_holds_nothing(store: FileSnapshotStore) -> None:
    """Neither snapshots nor what a writer that died left of one; twice is once."""
    await store.write("1.snapshot", [b"one"])
    await store.write("2.snapshot", [b"two"])
    store._files.pipe_file(store._path("3.snapshot.0f1e.partial"), b"half of")
    assert await store.clear() == 2
    assert store._listed() == []
    assert await store.clear() == 0


async def test_what_was_deleted_is_gone_and_may_be_deleted_again(store: FileSnapshotStore) -> None:
    """Two selectors may delete the same."""
    await store.write("1.snapshot", [b"one"])
    await store.delete("1.snapshot")
    await store.delete("1.snapshot")
    assert await store.names() == []
    with pytest.raises(SnapshotsUnavailable):
        await store.read("1.snapshot")


async def test_another_process_sees_the_same(store: FileSnapshotStore, url: str) -> None:
    """Nothing is remembered of what was there."""
    other = FileSnapshotStore(url)
    assert await other.names() == []
    await store.write("1.snapshot", [b"one"])
    assert await other.names() == ["1.snapshot"]


def names(folder: Path) -> set[str]:
    """Of all files there."""
    return {path.name for path in folder.iterdir()}


@contextmanager
def full_disk(after_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond that; the kernel refuses the write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_that_is_full_leaves_no_half_file(tmp_path: Path) -> None:
    """Nor anything else; what was there is there still, and there is room again once there is."""
    store = FileSnapshotStore(str(tmp_path))
    await store.write("1.snapshot", [b"one"])
    with full_disk(100_000), pytest.raises(SnapshotsUnavailable, match="File too large"):
        await store.write("2.snapshot", LARGE)
    assert names(tmp_path) == {"1.snapshot"}
    await store.write("2.snapshot", LARGE)
    assert await store.names() == ["2.snapshot", "1.snapshot"]


async def test_what_a_killed_process_left_is_no_snapshot_and_goes_with_the_next(tmp_path: Path) -> None:
    """But what another is writing now stays."""
    store = FileSnapshotStore(str(tmp_path))
    for name in ("1.snapshot.0a1b.partial", "3.snapshot.0a1b.partial", "notes.txt"):
        (tmp_path / name).write_bytes(b"half")
    assert await store.names() == []
    await store.write("2.snapshot", [b"two"])
    assert names(tmp_path) == {
        "2.snapshot",
        "3.snapshot.0a1b.partial",
        "notes.txt",
    }


@pytest.mark.parametrize("url", ["gopher://somewhere/there", "nonsense://x"])
def test_an_address_nobody_knows_is_refused_at_once(url: str) -> None:
    """Not when the first snapshot is due."""
    with pytest.raises(ValueError, match="Protocol not known"):
        FileSnapshotStore(url)

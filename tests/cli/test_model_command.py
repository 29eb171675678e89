"""``streamsel model`` as a person types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streamsel import config, wiring
from streamsel.adapters.clock import SystemClock
from streamsel.codec import encode_log_record
from streamsel.learning.fold import Fold
from streamsel.metrics import Metrics
from streamsel.wiring.learning import snapshots_of
from tests.cli.typed import object_of, streamsel
from tests.core.learning_strategies import label_record

CONFIGURATION = """
[labels]
names = ["fine", "fraud"]
[snapshots]
url = "{folder}/kept"
key = "0123456789abcdef0123456789abcdef"
every_labels = 2
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        path = Path(directory)
        (path / "streamsel.toml").write_text(CONFIGURATION.format(folder=path))
        yield path


def files(folder: Path) -> list[Path]:
    """In order of their names."""
    return sorted(folder.iterdir())


async def written(folder: Path) -> Fold:
    """A log of four labels, with a snapshot of all, and one of another key."""
    settings = config.load(
        folder / "streamsel.toml", {"STREAMSEL_REDIS__DATA_DIR": str(folder / ".streamsel")}
    )
    records = [label_record(str(number)) for number in range(4)]
    fold = Fold(wiring.model_spec(settings))
    async with wiring.opened_label_log(settings) as log:
        await log.append(list(map(encode_log_record, records)))
        snapshots = snapshots_of(settings, log, Metrics(), SystemClock())
        assert snapshots is not None
        for offset, record in enumerate(records):
            fold.apply(offset, record)
            await snapshots.take_if_due(fold, ())
            await snapshots.finish()
    return fold


async def test_snapshots_are_listed_and_verified(folder: Path) -> None:
    """Newest first, with what is wrong about one that a start would not use."""
    fold = await written(folder)
    oldest, _ = files(folder / "kept")
    oldest.write_bytes(oldest.read_bytes()[:-1])
    newest, damaged = object_of(streamsel(folder, "model", "snapshots", "--json"))["snapshots"]
    assert (newest["offset"], newest["labels"], newest["digest"]) == (4, 4, fold.digest())
    assert newest["good"]
    assert newest["age_seconds"] >= 0.0
    assert not damaged["good"]
    assert damaged["refused"].startswith("truncated: it has")
    typed = streamsel(folder, "model", "snapshots")
    assert typed.returncode == 0
    first, second = typed.stdout.splitlines()
    assert f"offset 4  4 labels  {fold.digest()}" in first
    assert first.endswith("good")
    assert "truncated" in second


async def test_without_any_configured_it_says_so(folder: Path) -> None:
    """As bad configuration."""
    (folder / "streamsel.toml").write_text("")
    done = streamsel(folder, "model", "snapshots")
    assert done.returncode == 2
    assert "no snapshots are configured" in done.stderr

"""``streamsel labels verify`` as a person types it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from streamsel import config, wiring
from streamsel.codec import encode_log_record
from streamsel.learning.fold import Fold
from streamsel.ports.replicas import Replica, Replicas
from streamsel.services.agreement import LOOK_SECONDS
from streamsel.services.ending import end
from tests.cli.typed import object_of, streamsel
from tests.core.learning_strategies import label_record


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path, for the embedded server's socket."""
    with TemporaryDirectory(prefix="cli-") as directory:
        path = Path(directory)
        (path / "streamsel.toml").write_text('[labels]\nnames = ["fine", "fraud"]\n')
        yield path


@asynccontextmanager
async def alive(replicas: Replicas, *selectors: Replica) -> AsyncIterator[None]:
    """They say so as often as selectors do."""

    async def publish() -> None:
        while True:
            for one in selectors:
                await replicas.publish(one)
            said.set()
            await asyncio.sleep(LOOK_SECONDS)

    said = asyncio.Event()
    publishing = asyncio.create_task(publish())
    await said.wait()
    try:
        yield
    finally:
        await end(publishing)


async def test_live_selectors_are_compared_with_the_log(folder: Path) -> None:
    """All agree: 0. One does not: 1, and it is named."""
    settings = config.load(
        folder / "streamsel.toml", {"STREAMSEL_REDIS__DATA_DIR": str(folder / ".streamsel")}
    )
    spec = wiring.model_spec(settings)
    records = [label_record(str(number), 1, ("fine", "fraud")[number % 2]) for number in range(9)]
    fold = Fold(spec)
    for offset, record in enumerate(records):
        fold.apply(offset, record)
    async with wiring.opened_label_log(settings) as log, wiring.opened_replicas(settings) as replicas:
        await log.append([encode_log_record(record) for record in records])
        right = Replica("right", spec.spec_hash, {9: fold.digest()})
        wrong = Replica("wrong", spec.spec_hash, {9: "0" * 32})
        async with alive(replicas, right):
            report = object_of(await asyncio.to_thread(streamsel, folder, "labels", "verify", "--json"))
        assert (report["ok"], report["version"], report["labels"]) == (True, 9, 9)
        assert report["digest"] == fold.digest()
        assert [one["name"] for one in report["replicas"]] == ["right"]
        async with alive(replicas, right, wrong):
            done = await asyncio.to_thread(streamsel, folder, "labels", "verify")
    assert done.returncode == 1
    assert f"right  offset 9  {fold.digest()}  agrees" in done.stdout
    assert f"wrong  offset 9  {'0' * 32}  DIFFERS: the log has {fold.digest()}" in done.stdout


def test_without_any_selector_there_is_nothing_to_disagree(folder: Path) -> None:
    """Not a failure."""
    done = streamsel(folder, "labels", "verify")
    assert done.returncode == 0
    assert done.stdout.endswith("No selector is running.\n")

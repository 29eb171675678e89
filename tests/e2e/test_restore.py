"""docs/runbooks/restore.md, followed: everything is lost but the backups, and the same model serves again."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from loadtest.outside import counting
from loadtest.outside.calling import calling
from loadtest.outside.desk_store import DeskStore
from loadtest.outside.reviewing import Reviewer
from loadtest.outside.service_process import ServiceProcess, Services, auth
from loadtest.outside.streams import PARTITIONS, KafkaStreams
from loadtest.outside.transactions import LABELS, transaction, truth
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka
from tests.servers import GivenKafka

PAGE = Path(__file__).parents[2] / "docs/runbooks/restore.md"
EVENTS = 150
ANSWERS = 25
KEY = "restored-snapshots-are-signed-with-this"
PREFIX = "restored"


class Site:
    """Servers, and a service on them with the same keys as at the other site."""

    def __init__(
        self, folder: Path, broker: LocalKafka, store: EmbeddedValkey, keys: Mapping[str, object]
    ) -> None:
        folder.mkdir()
        self.streams = KafkaStreams(broker.bootstrap_servers, PREFIX, session_seconds=6.0)
        self.desk_store = DeskStore(store.url, PREFIX)
        self.snapshots = folder / "snapshots"
        self.services = Services(folder)
        self.configuration = self.services.configured(
            {
                **self.streams.sections,
                "redis": {"url": store.url, "prefix": PREFIX},
                "labels": LABELS,
                "select": {"budget": 1.0},
                "capacity": {"target_backlog": 400},
                "snapshots": {"url": str(self.snapshots), "key": KEY, "every_labels": 10},
                "auth": keys,
            }
        )

    def follow(self, block: str, backup: Path) -> None:
        """Runs a block of the page."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("STREAMSEL_")},
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "BROKER": self.streams.bootstrap_servers,
            "PREFIX": f"{PREFIX}.",
            "PARTITIONS": str(PARTITIONS),
            "BACKUP": str(backup),
            "SNAPSHOTS": str(self.snapshots),
        }
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", blocks()[block]],
            cwd=self.services.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, f"{block}: {done.stdout}{done.stderr}"

    async def decided(self, events: int) -> None:
        """Returns once so many decisions are there."""

        async def enough() -> bool:
            return await self.streams.count("decisions") >= events

        await until(enough, what=f"{events} decided", seconds=60.0)


def blocks() -> dict[str, str]:
    """The page's commands, by the comment they begin with."""
    found = re.findall(r"^( *)```sh\n(.*?)^ *```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    unindented = [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]
    return {text.partition("\n")[0].removeprefix("# "): text for text in unindented if text.startswith("# ")}


async def answer(site: Site, service: ServiceProcess, secret: str, answers: int) -> None:
    """A reviewer gives so many, and puts nothing back."""
    ann = Reviewer("ann", secret, lambda: service.url, truth, Random(1))
    working = asyncio.create_task(ann.work())
    await until(lambda: len(ann.acknowledged) >= answers, what=f"{answers} answers", seconds=60.0)
    ann.stopping = True
    await working
    await counting.labels_kept(site.streams, ann.acknowledged)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_from_backups_to_a_serving_system(tmp_path: Path, kafka: LocalKafka | GivenKafka) -> None:
    """Same labels, same digest, same queries waiting, a sound audit log; and the loop goes on."""
    assert kafka.bootstrap_servers, "without a broker to be had, this skips; both sites have one of their own"
    secrets: dict[str, str] = {}
    keys = auth(secrets, ann="reviewer", root="admin")
    backup = tmp_path / "backup"
    with (
        tempfile.TemporaryDirectory(prefix="old-") as folder,
        LocalKafka() as broker,
        EmbeddedValkey(Path(folder)) as store,
    ):
        old = Site(tmp_path / "old", broker, store, keys)
        service = old.services.start(old.configuration)
        try:
            await service.ready()
            await old.streams.produce([transaction(number) for number in range(EVENTS)])
            await old.decided(EVENTS)
            await answer(old, service, secrets["ann"], ANSWERS)
            labels = await old.streams.records("labels")
            waiting = {
                query for query, state in old.desk_store.states().items() if state in ("waiting", "leased")
            }
            model = await counting.learned(service, secrets["root"], old.streams)
            await asyncio.to_thread(old.follow, "back up", backup)
        finally:
            old.services.end_all()
        broker.kill()
        store.kill()

    with (
        tempfile.TemporaryDirectory(prefix="new-") as folder,
        LocalKafka() as broker,
        EmbeddedValkey(Path(folder)) as store,
    ):
        new = Site(tmp_path / "new", broker, store, keys)
        for block in ("restore", "compare", "queue"):
            await asyncio.to_thread(new.follow, block, backup)
        assert [one.value for one in await new.streams.records("labels")] == [one.value for one in labels]
        states = await asyncio.to_thread(new.desk_store.states)
        assert {query for query, state in states.items() if state == "waiting"} == waiting
        service = new.services.start(new.configuration)
        try:
            await service.ready()
            assert await counting.learned(service, secrets["root"], new.streams) == model
            await answer(new, service, secrets["ann"], 5)
            await new.streams.produce([transaction(EVENTS + number) for number in range(50)])
            await new.decided(EVENTS + 50)
            async with calling(await service.ready(), secrets["root"]) as root:
                assert (await root.model())["version"] >= len(labels) + 5
        finally:
            new.services.end_all()

"""The label log's epochs on Kafka: a topic each, and one whose last record is the number in force."""

from __future__ import annotations

import re
from collections.abc import Sequence

from streamsel.adapters.kafka import KafkaCluster, kafka_errors_as
from streamsel.adapters.kafka_log import KafkaKeptLog, KafkaLabelLog
from streamsel.adapters.kafka_topics import KafkaTopics, ensure_kept
from streamsel.ports import SourceUnavailable

_READ_SECONDS = 5.0


class KafkaEpochs:
    """See ``Epochs``. The topic of epoch 1 is ``labels``, that of another ``labels.<epoch>``."""

    def __init__(self, cluster: KafkaCluster, prefix: str, *, replication_factor: int = 1) -> None:
        self._cluster = cluster
        self._prefix = prefix
        self._topic = f"{prefix}epochs"
        self._replication_factor = replication_factor
        self._pointer = KafkaKeptLog(cluster, self._topic)

    async def current(self) -> int:
        """See ``Epochs``."""
        await ensure_kept(self._cluster, self._topic, self._replication_factor)
        end = await self._pointer.end()
        if end == 0:
            return 1
        records = await self._pointer.read(end - 1, 1, _READ_SECONDS)
        if not records:
            raise SourceUnavailable(f"nothing came from offset {end - 1} of {self._topic}")
        return int(records[0][1])

    async def log(self, epoch: int) -> KafkaLabelLog:
        """See ``Epochs``."""
        return KafkaLabelLog(self._cluster, self._labels(epoch))

    async def begin(self) -> int:
        """See ``Epochs``."""
        current = await self.current()
        begun = [epoch for epoch in await self._there() if epoch > current]
        await self.drop(begun)
        epoch = max([current, *begun]) + 1  # never one whose topic may still be on its way out
        await ensure_kept(self._cluster, self._labels(epoch), self._replication_factor)
        return epoch

    async def switch(self, epoch: int) -> None:
        """See ``Epochs``."""
        await self._pointer.append([b"%d" % epoch])

    async def older(self) -> Sequence[int]:
        """See ``Epochs``."""
        current = await self.current()
        return [epoch for epoch in await self._there() if epoch < current]

    async def drop(self, epochs: Sequence[int]) -> None:
        """See ``Epochs``."""
        if not epochs:
            return
        with kafka_errors_as(SourceUnavailable, "deleting the topics of other epochs"):
            admin = self._cluster.admin()
            try:
                await admin.start()
                await admin.delete_topics([self._labels(epoch) for epoch in epochs])
            finally:
                await admin.close()

    async def close(self) -> None:
        await self._pointer.close()

    def _labels(self, epoch: int) -> str:
        return KafkaTopics.under(self._prefix, epoch).labels

    async def _there(self) -> list[int]:
        """The epochs that have topics."""
        name = re.compile(rf"{re.escape(self._prefix)}labels(?:\.(\d+))?")
        with kafka_errors_as(SourceUnavailable, "listing the topics"):
            admin = self._cluster.admin()
            try:
                await admin.start()
                found = map(name.fullmatch, await admin.list_topics())
                return [int(one[1] or 1) for one in found if one is not None]
            finally:
                await admin.close()

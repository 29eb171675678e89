"""Erasing on Kafka, where a partition can only be cut off at its beginning."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka.admin.records_to_delete import RecordsToDelete

from streamsel.adapters.kafka import kafka_errors_as
from streamsel.adapters.kafka_log import KafkaLogReader
from streamsel.ports import SourceUnavailable


class KafkaErasableLog(KafkaLogReader):
    """One partition."""

    async def erase(self, offsets: Sequence[int]) -> int:
        """See ``ErasableLog``."""
        if not offsets:
            return 0
        first, end = await self.beginning(), offsets[-1] + 1
        with kafka_errors_as(SourceUnavailable, f"erasing from {self._place.topic}"):
            admin = self._cluster.admin()
            try:
                await admin.start()
                await admin.delete_records({self._place: RecordsToDelete(end)})
            finally:
                await admin.close()
        await self.close()  # idle consumers have fetched ahead what is no longer there
        return end - first

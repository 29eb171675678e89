"""A rule as an oracle: its queue takes only queries of which its condition holds, so there is one answer."""

from __future__ import annotations

from dataclasses import dataclass

from streamsel.records import Query


@dataclass(frozen=True, slots=True)
class OneAnswer:
    """See ``ports.oracles.Answerer``."""

    label: str

    async def answer(self, query: Query) -> str:  # noqa: ARG002 - the queue has looked at it
        return self.label

    async def close(self) -> None:
        """There is nothing to close."""

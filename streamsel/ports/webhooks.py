"""What webhooks need: somewhere to send a message, and a memory of which have been delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class NotDelivered(Exception):
    """The endpoint did not take the message, or nobody knows whether it did; the message says why."""


class WebhookEndpoint(Protocol):
    """One address of somebody else's."""

    async def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Returns once the endpoint has taken it. Raises ``NotDelivered``."""

    async def close(self) -> None: ...


class DeliveryPositions(Protocol):
    """How far the logs are delivered, and who delivers them: one process at a time for each stream.

    Every method may raise ``DeskUnreachable``.
    """

    async def hold(
        self, stream: str, holder: str, seconds: float, delivered: int | None = None
    ) -> int | None:
        """Makes ``holder`` the one who delivers this stream for the next ``seconds``, or keeps it so; notes
        that all before offset ``delivered`` is done. Returns the offset before which all is done, -1 if that
        was never noted; ``None`` while another holds it, and then nothing is noted."""

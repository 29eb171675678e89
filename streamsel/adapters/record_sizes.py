"""How large a record may be, on every log."""

from __future__ import annotations

from collections.abc import Iterable

from streamsel.ports import RecordTooLarge

LARGEST_RECORD = 4_194_304
"""Bytes. An event of 1 MB, held twice by its decision (as features and as context), still fits."""


def check_sizes(log: str, values: Iterable[bytes]) -> None:
    """Raises ``RecordTooLarge`` when one of them is."""
    largest = max(map(len, values), default=0)
    if largest > LARGEST_RECORD:
        raise RecordTooLarge(f"a record for {log} has {largest} bytes; it takes {LARGEST_RECORD} at most")

"""Who did it, for tests of the audit log."""

from __future__ import annotations

from typing import NamedTuple


class Somebody(NamedTuple):
    name: str
    role: str


ANA = Somebody("ana", "reviewer")
BEN = Somebody("ben", "lead")

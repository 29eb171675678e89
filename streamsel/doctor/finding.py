"""What the doctor found: how it stands, what that means, and the mend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """Which: ``area.name``, stable, for who reads the JSON."""
    status: Status
    """``fail``: the service can't do its work, or would lose something. ``unknown``: it could not be seen."""
    means: str
    mend: str = ""
    """A command or a line of configuration; empty where nothing needs mending."""


def ok(check: str, means: str) -> Finding:
    return Finding(check, "ok", means)


def warn(check: str, means: str, mend: str) -> Finding:
    return Finding(check, "warn", means, mend)


def fail(check: str, means: str, mend: str) -> Finding:
    return Finding(check, "fail", means, mend)


def unknown(check: str, means: str, mend: str) -> Finding:
    return Finding(check, "unknown", means, mend)


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether nothing fails."""
    return all(finding.status != "fail" for finding in findings)

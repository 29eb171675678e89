"""Who may call, over which wire, and whether anything answers there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from streamsel.doctor.finding import Finding, fail, ok, unknown, warn

_GUESSED = ("", "secret", "password", "changeme", "admin", "test", "streamsel", "123456", "key", "token")
_NEW_KEY = "streamsel config key --name {} prints another, with its entry"


@dataclass(frozen=True, slots=True)
class Wire:
    """An address of ours or of a server; ``safe``: what goes there is encrypted, or stays on this machine."""

    key: str
    """Of the configuration."""
    where: str
    safe: bool
    mend: str


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """As configured, but for ``console``."""

    keys: Sequence[tuple[str, str, str]]
    """Name, scope and SHA-256 of each."""
    sign_in: bool
    """People may sign in at a provider."""
    wires: Sequence[Wire]
    address: str
    console: Literal["ours", "other", "silent"]
    """What answers at ``address``."""


def judge_access(facts: AccessFacts) -> Iterator[Finding]:
    scopes = {scope for _, scope, _ in facts.keys}
    if not facts.keys and not facts.sign_in:
        yield fail(
            "auth.callers",
            "there is no API key and no provider: nobody can call",
            "streamsel config key --name alice --scope lead prints a key and its entry for [[auth.keys]]",
        )
    elif not facts.sign_in and not scopes & {"reviewer", "lead", "admin"}:
        yield warn(
            "auth.callers",
            "nobody may review: every key is a producer's",
            "streamsel config key --name alice --scope reviewer",
        )
    else:
        provider = " and a provider where people sign in" if facts.sign_in else ""
        yield ok("auth.callers", f"{len(facts.keys)} API keys{provider}")
    for name, _, digest in facts.keys:
        if digest in {sha256(guess.encode()).hexdigest() for guess in (*_GUESSED, name, name.lower())}:
            yield fail(
                "auth.keys", f"the key of '{name}' is a word that anybody tries first", _NEW_KEY.format(name)
            )
    for wire in facts.wires:
        if not wire.safe:
            yield warn(
                "auth.wire", f"{wire.key}: what goes to {wire.where} can be read on the way", wire.mend
            )
    yield _console(facts)


def _console(facts: AccessFacts) -> Finding:
    if facts.console == "ours":
        return ok("desk.answers", f"a streamsel process answers at {facts.address}")
    if facts.console == "silent":
        return unknown(
            "desk.answers", f"nothing answers at {facts.address}", "streamsel serve, if it is to run here"
        )
    return fail(
        "desk.answers",
        f"something else answers at {facts.address}: streamsel can't listen there",
        "another desk.port, or end what is there",
    )

"""The audit log: who saw, labelled and changed what, in chains of hashes that show any later change.

Every desk process writes one chain. An entry's ``hash`` is the SHA-256 of the canonical JSON (RFC 8785:
sorted keys, no spaces, UTF-8) of all else in it, ``previous`` among it: the hash of the entry before in the
chain. So an entry cannot be changed, removed, inserted or moved without breaking the chain after it. A
chain's first entry names the heads of the others, that is every entry which no other refers to yet, as a
merge does in version control: what was the end of a chain is from then on held by another. (S. Haber and
W. S. Stornetta, How to time-stamp a digital document, Journal of Cryptology 3, 1991.)

What nothing refers to yet can still be cut off unseen: the last entries of a chain, until its process writes
another or another process starts. ``Verdict.heads`` are there to be kept elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import orjson

Action: TypeAlias = Literal[
    "opened chain",
    "signed in",
    "signed out",
    "refused",
    "claimed",
    "viewed",
    "labelled",
    "released",
    "escalated",
    "skipped",
    "corrected",
    "retracted",
    "paused",
    "resumed",
    "reassigned",
    "directed",
]

_TEXTS = ("chain", "previous", "at", "who", "role", "action", "query_id", "hash")

NO_HASH = ""
"""What the first entry of a chain has for ``previous``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing somebody did. It says which query it was about, and never what was in it."""

    chain: str
    """Random, one for each process that writes."""
    sequence: int
    """In the chain, from 0."""
    previous: str
    """Hash of the entry before in the chain, in hexadecimal."""
    at: str
    """RFC 3339, in UTC."""
    who: str
    role: str
    action: Action
    query_id: str
    """Empty if it was about none."""
    detail: Mapping[str, Any]
    """Texts, whole numbers, and lists or tables of them: what RFC 8785 writes in one way only."""
    hash: str

    @classmethod
    def sealed(cls, **fields: Any) -> Entry:
        """With the hash of its other fields."""
        return cls(**fields, hash=digest(fields))

    def encode(self) -> bytes:
        """As it stands in the log."""
        return canonical(asdict(self))

    @property
    def expected_hash(self) -> str:
        """What its hash must be."""
        fields = asdict(self)
        del fields["hash"]
        return digest(fields)

    @property
    def heads(self) -> Mapping[str, str]:
        """Of an opening entry: the hash by chain of each entry it refers to."""
        return dict(self.detail.get("heads", {})) if self.action == "opened chain" else {}


class NotAnEntry(ValueError):
    """These bytes are no entry of an audit log."""


def decode(content: bytes) -> Entry:
    """Raises ``NotAnEntry``."""
    try:
        fields = orjson.loads(content)
        entry = Entry(**fields)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise NotAnEntry(f"not an audit entry: {error}") from None
    sound = (
        all(isinstance(fields[name], str) for name in _TEXTS)
        and type(fields["sequence"]) is int
        and entry.sequence >= 0
        and entry.action in get_args(Action)
        and isinstance(fields["detail"], dict)
        and isinstance(fields["detail"].get("heads", {}), dict)
    )
    if not sound or entry.encode() != content:
        raise NotAnEntry("not an audit entry as this program writes it")
    return entry


def canonical(fields: Mapping[str, Any]) -> bytes:
    """RFC 8785, for keys in ASCII and values that are texts and whole numbers."""
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def digest(fields: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(fields)).hexdigest()


class Heads:
    """Which entries no other refers to yet. Fed with entries in the order of the log."""

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}

    def add(self, entry: Entry) -> None:
        """It is a head now, and what it refers to is none any more."""
        for chain, named in entry.heads.items():
            if self._heads.get(chain) == named:
                del self._heads[chain]
        self._heads[entry.chain] = entry.hash

    def named(self) -> dict[str, str]:
        """The hash of each, by chain."""
        return dict(self._heads)


Kind: TypeAlias = Literal["unreadable", "changed", "removed", "inserted", "reordered"]


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry of a chain that is not as it was written. ``offset`` is where in the log it shows."""

    kind: Kind
    chain: str
    """Empty when not even that can be read."""
    sequence: int | None
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verification of a whole log came to."""

    entries: int
    chains: int
    broken: list[Break]
    """At most one for each chain, in the order of the log."""
    heads: Mapping[str, str]
    """What no entry refers to, hash by chain: kept elsewhere, it shows if an end was cut off."""

    @property
    def sound(self) -> bool:
        return not self.broken


@dataclass(slots=True)
class _Chain:
    hashes: bytearray = field(default_factory=bytearray)
    """32 bytes for each entry so far, in order."""
    offset: int = 0
    """Of the last one."""
    broken: Break | None = None

    @property
    def length(self) -> int:
        return len(self.hashes) // 32

    def hash_at(self, sequence: int) -> str:
        return self.hashes[32 * sequence : 32 * (sequence + 1)].hex()

    def holds(self, named: str) -> bool:
        """Whether an entry with this hash is there; the last ones are looked at first."""
        return any(self.hash_at(sequence) == named for sequence in reversed(range(self.length)))


class Verifier:
    """Verifies a log, entry by entry in its order, and names the first broken entry of every chain.

    An entry that stands twice is no break: a writer whose log did not answer writes the same once more.
    """

    def __init__(self) -> None:
        self._chains: dict[str, _Chain] = {}
        self._unreadable: list[Break] = []
        self._heads = Heads()
        self._entries = 0

    def add(self, offset: int, content: bytes) -> None:
        """The next record of the log."""
        try:
            entry = decode(content)
        except NotAnEntry as error:
            self._unreadable.append(Break("unreadable", "", None, offset, str(error)))
            return
        self._entries += 1
        chain = self._chains.setdefault(entry.chain, _Chain())
        if chain.broken is not None:
            chain.broken = _moved(chain.broken, entry)
            return
        chain.broken = self._break(chain, entry, offset)
        if chain.broken is None and entry.sequence == chain.length:
            chain.hashes += bytes.fromhex(entry.hash)
            chain.offset = offset
            self._look_for_heads(entry, offset)
            self._heads.add(entry)

    def verdict(self) -> Verdict:
        """After the last record."""
        broken = [chain.broken for chain in self._chains.values() if chain.broken is not None]
        broken = sorted([*self._unreadable, *broken], key=lambda one: one.offset)
        return Verdict(self._entries, len(self._chains), broken, self._heads.named())

    def _break(self, chain: _Chain, entry: Entry, offset: int) -> Break | None:
        def broken(kind: Kind, message: str, sequence: int = entry.sequence, at: int = offset) -> Break:
            return Break(kind, entry.chain, sequence, at, message)

        expected = chain.length
        if entry.hash != entry.expected_hash:
            return broken("changed", f"entry {entry.sequence} does not have its hash")
        if entry.sequence < expected:
            if entry.hash == chain.hash_at(entry.sequence):
                return None
            return broken("inserted", f"there is another entry {entry.sequence}")
        if entry.sequence != expected:
            message = f"entry {expected} is missing before entry {entry.sequence}"
            return broken("removed", message, expected)
        previous = chain.hash_at(expected - 1) if expected else NO_HASH
        if entry.previous != previous:
            message = f"entry {expected - 1} is not the one that entry {expected} was written after"
            return broken("changed", message, max(expected - 1, 0), chain.offset if expected else offset)
        return None

    def _look_for_heads(self, entry: Entry, offset: int) -> None:
        """What an opening entry refers to must stand before it."""
        for name, head in entry.heads.items():
            other = self._chains.setdefault(name, _Chain())
            if other.broken is None and not other.holds(head):
                message = f"the entry with hash {head} is missing, which chain {entry.chain} refers to"
                other.broken = Break("removed", name, None, offset, message)


def _moved(broken: Break, entry: Entry) -> Break:
    """What was missing, and stands further on, was not removed but moved."""
    if broken.kind != "removed" or entry.sequence != broken.sequence:
        return broken
    message = f"entry {broken.sequence} stands after a later one"
    return Break("reordered", broken.chain, broken.sequence, broken.offset, message)

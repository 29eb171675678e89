"""A fold as a signed file, so that a process need not begin at the start of the label log.

    a line that names the format
    the header, one line of JSON
    the ledger's columns, then the pickle of the model and of what was learned beside it
    HMAC-SHA256 (RFC 2104) over all of this, 32 bytes

Nothing is unpickled before the signature is verified, and then only what the spec's preset is made of.
"""

from __future__ import annotations

import hmac
import json
import pickle
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from importlib.metadata import version
from io import BytesIO
from typing import NamedTuple, TypeAlias

import streamsel
from streamsel.learning.checkpoints import Learned
from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.gaps import clipped
from streamsel.learning.ledger import Closed, Ledger
from streamsel.learning.packed_ledger import ENTRY_BYTES, PackedEntries
from streamsel.learning.presets import Classifier
from streamsel.learning.unpickling import RestrictedUnpickler, globals_of

Piece: TypeAlias = bytes | bytearray | memoryview

MAGIC = b"streamsel snapshot 1\n"
LEAST_KEY_BYTES = 32
_SIGNATURE_BYTES = 32
_LONGEST_HEADER = 1_000_000


class SnapshotRefused(Exception):
    """A snapshot that must not be used. ``reason`` is a short fixed word, ``detail`` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Header:
    """What a snapshot is of."""

    log: str
    """See ``log_id``."""
    offset: int
    """The model's version: the offset of the first record it has not seen."""
    labels: int
    """Labels in the model."""
    spec: str
    """The spec's hash."""
    left_out: Sequence[Sequence[int]]
    """See ``InForce.left_out``."""
    directives: Sequence[tuple[int, str]]
    """All before the offset, each with its own: which models there were is known without reading the log."""
    versions: Mapping[str, str]
    """Of everything that decides how a model computes and is pickled."""
    digest: str
    taken_at: float
    entries: int
    """In the ledger."""
    state_bytes: int

    @property
    def payload_bytes(self) -> int:
        """Of ledger and pickle together."""
        return self.entries * ENTRY_BYTES + self.state_bytes


class Taken(NamedTuple):
    """A fold as it was at one moment, yet to be packed and signed."""

    header: Header
    """But for the size of the ledger."""
    ledger: Ledger
    closed: Closed
    state: Sequence[Piece]


class Snapshot(NamedTuple):
    """A file whose signature is right."""

    header: Header
    ledger: memoryview
    state: memoryview


def library_versions() -> dict[str, str]:
    """Of this process."""
    libraries = {name: version(name) for name in ("numpy", "river", "lightgbm")}
    return libraries | {"python": platform.python_version(), "streamsel": streamsel.__version__}


def log_id(first: bytes, last: bytes) -> str:
    """What a log is known by up to an offset: 128 bits of BLAKE2b, in hex, over its first record and the last
    one before the offset. A log that was rewritten, or lost its end and grew another, has other ones."""
    content = blake2b(len(first).to_bytes(8, "little"), digest_size=16)
    content.update(first)
    content.update(last)
    return content.hexdigest()


def take(fold: Fold, digest: str, log: str, directives: Sequence[tuple[int, str]], taken_at: float) -> Taken:
    """The fold as it is, with its digest; nothing must change it meanwhile, but another thread may predict.
    Raises whatever a model raises that can't be pickled."""
    ledger = fold.ledger
    closed = ledger.close()
    state = _Pieces()
    pickle.Pickler(state, pickle.HIGHEST_PROTOCOL).dump((fold.model, fold.learned))
    header = Header(
        log=log,
        offset=fold.version,
        labels=fold.labels_learned,
        spec=fold.spec.spec_hash,
        left_out=clipped(fold.gaps, fold.version),
        directives=directives,
        versions=library_versions(),
        digest=digest,
        taken_at=taken_at,
        entries=0,
        state_bytes=sum(map(len, state.pieces)),
    )
    return Taken(header, ledger, closed, state.pieces)


def sealed(header: Header, packed: PackedEntries, state: Sequence[Piece], key: bytes) -> Sequence[Piece]:
    """The file, in pieces."""
    facts = asdict(header) | {"entries": len(packed)}
    line = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    pieces: list[Piece] = [MAGIC, line.encode() + b"\n", *packed.columns, *state]
    signature = hmac.new(key, digestmod="sha256")
    for piece in pieces:
        signature.update(piece)
    return [*pieces, signature.digest()]


def opened(content: bytes, key: bytes) -> Snapshot:
    """Raises ``SnapshotRefused``: ``format``, ``truncated`` or ``signature``."""
    whole = memoryview(content)
    end = content.find(b"\n", len(MAGIC), len(MAGIC) + _LONGEST_HEADER)
    if not content.startswith(MAGIC) or end < 0:
        raise SnapshotRefused("format", "it does not begin as a snapshot does")
    try:
        header = _header(json.loads(content[len(MAGIC) : end]))
    except (ValueError, TypeError, KeyError) as error:
        raise SnapshotRefused("format", f"its header can't be read: {error!r}") from None
    begin = end + 1
    if len(content) != begin + header.payload_bytes + _SIGNATURE_BYTES:
        expected = begin + header.payload_bytes + _SIGNATURE_BYTES
        raise SnapshotRefused("truncated", f"it has {len(content)} bytes and should have {expected}")
    signature = hmac.new(key, whole[:-_SIGNATURE_BYTES], "sha256").digest()
    if not hmac.compare_digest(signature, whole[-_SIGNATURE_BYTES:]):
        raise SnapshotRefused("signature", "it is not as it was signed, or was signed with another key")
    middle = begin + header.entries * ENTRY_BYTES
    return Snapshot(header, whole[begin:middle], whole[middle:-_SIGNATURE_BYTES])


def check(header: Header, in_force: InForce) -> None:
    """Raises ``SnapshotRefused``: ``spec``, ``gaps`` or ``versions``."""
    expected = in_force.spec.spec_hash
    if header.spec != expected:
        raise SnapshotRefused("spec", f"it is of another model: spec {header.spec}, not {expected}")
    if tuple(map(tuple, header.left_out)) != in_force.left_out(header.offset):
        raise SnapshotRefused("gaps", "by a directive since, other records count for the model")
    if header.versions != library_versions():
        others = ", ".join(f"{name} {number}" for name, number in sorted(header.versions.items()))
        raise SnapshotRefused("versions", f"it was taken with {others}")


def restored(snapshot: Snapshot, in_force: InForce) -> Fold:
    """The fold that was taken. Raises ``SnapshotRefused``: ``content`` or ``digest``."""
    header, spec = snapshot.header, in_force.spec
    try:
        state = RestrictedUnpickler(BytesIO(snapshot.state), globals_of(spec)).load()
        match state:
            case (Classifier() as model, Learned() as learned):
                ledger = Ledger(PackedEntries.over(snapshot.ledger))
                fold = Fold.restored(spec, header.offset, model, learned, ledger)
                digest = fold.digest()
            case _:
                raise SnapshotRefused("content", "it does not hold a model")
    except SnapshotRefused:
        raise
    except Exception as error:  # noqa: BLE001 - unpickling may raise anything
        raise SnapshotRefused("content", f"{type(error).__name__}: {error}") from None
    if digest != header.digest:
        raise SnapshotRefused("digest", f"its model has digest {digest}, not {header.digest} as it should")
    fold.gaps = in_force.gaps
    return fold


def _header(facts: Mapping[str, object]) -> Header:
    header = Header(**facts)  # type: ignore[arg-type]
    sizes: Sequence[object] = (header.offset, header.labels, header.entries, header.state_bytes)
    if not all(isinstance(size, int) and size >= 0 for size in sizes):
        raise ValueError("sizes must be whole numbers")
    return header


class _Pieces:
    """Takes a pickle as it is made; each write lets other threads have their turn."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        self.pieces.append(bytes(piece))

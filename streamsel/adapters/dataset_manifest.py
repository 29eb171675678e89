"""What stands beside a dataset: what it is, its SHA-256, and a signature over both (HMAC, RFC 2104)."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

import orjson

from streamsel.adapters.dataset_file import replaced
from streamsel.adapters.label_file import BadFile
from streamsel.codec.dataset import Column

FORMAT = "streamsel-labels/1"
UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The standing labels before offset ``at`` of a label log."""

    epoch: int
    """Of the label log; offsets mean nothing in another."""
    beginning: int
    """The offset of the oldest record it had."""
    at: int
    rows: int
    columns: Sequence[Column]
    labels: Sequence[str]
    """The names of all labels there could be."""
    spec_hash: str
    """Of the model that was configured."""
    sha256: str
    """Of the file."""
    streamsel: str
    """The release that wrote it."""

    def write(self, path: Path, key: bytes | None) -> None:
        """Beside the dataset at ``path``; without a key it says that it is not signed."""
        fields = {"format": FORMAT, **asdict(self), "columns": [*map(list, self.columns)]}
        signature = UNSIGNED if key is None else _signature(fields, key)
        with replaced(manifest_path(path)) as file:
            file.write(orjson.dumps(fields | {"signature": signature}, option=orjson.OPT_INDENT_2))


def manifest_path(path: Path) -> Path:
    """Where the manifest of a dataset is."""
    return path.with_name(f"{path.name}.manifest.json")


def sha256_of(path: Path) -> str:
    """In hex."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def verified_columns(path: Path, key: bytes | None) -> Sequence[Column] | None:
    """The columns of a dataset whose manifest is true to it; ``None`` when it has no manifest.

    With a key the manifest must be signed by it. Raises ``BadFile`` naming what is not as it was.
    """
    beside = manifest_path(path)
    if not beside.exists():
        return None
    try:
        fields: dict[str, Any] = orjson.loads(beside.read_bytes())
        columns = [Column(name, kind) for name, kind in fields["columns"]]
        signature, digest = str(fields.pop("signature")), fields["sha256"]
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadFile(f"{beside} is no manifest: {error!r}") from None
    if fields.get("format") != FORMAT:
        raise BadFile(f"{beside} is of format {fields.get('format')!r}; this release reads {FORMAT!r}")
    if key is not None and not hmac.compare_digest(signature.encode(), _signature(fields, key).encode()):
        if signature == UNSIGNED:
            raise BadFile(f"{beside} is not signed, and labels.manifest_key asks for it")
        raise BadFile(f"{beside} was changed, or is not signed by labels.manifest_key")
    if digest != (found := sha256_of(path)):
        raise BadFile(f"{path} was changed: its SHA-256 is {found}, and its manifest says {digest}")
    return columns


def _signature(fields: dict[str, Any], key: bytes) -> str:
    """Over everything else in the manifest."""
    return hmac.digest(key, orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), "sha256").hex()

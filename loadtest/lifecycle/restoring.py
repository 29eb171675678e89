"""How long a start takes from a snapshot that stands for ten million labels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from loadtest.lifecycle.labelled import LABELS, label_log
from streamsel.adapters.snapshot_store import FileSnapshotStore
from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.packed_ledger import PackedEntries
from streamsel.learning.snapshots import check, opened, restored, sealed, take
from streamsel.learning.spec import ModelSpec

KEY = bytes(range(32))
LEARNED = 2_000
"""Labels that the model has really learned; a linear model's size does not grow with them."""
NAME = "1.snapshot"


def measure(labels: int, progress: Callable[[float], None]) -> dict[str, Any]:
    """From the file to a fold that has taken its next record: read, its signature verified, unpickled, its
    digest compared. The ids in its ledger are random hashes, as those of labels are."""
    return asyncio.run(_measured(labels, progress))


async def _measured(labels: int, progress: Callable[[float], None]) -> dict[str, Any]:
    spec = ModelSpec(LABELS)
    fold = Fold(spec)
    *learned, following = label_log(LEARNED + 1, 2, superseding=False)
    for offset, record in enumerate(learned):
        fold.apply(offset, record)
    fold.version = labels
    taken = take(fold, fold.digest(), "log", (), time.time())
    ledger = _ledger(labels - LEARNED).updated(taken.closed.recent)
    progress(0.3)
    with TemporaryDirectory(prefix="streamsel-snapshot-") as folder:
        store = FileSnapshotStore(folder)
        await store.write(NAME, sealed(taken.header, ledger, taken.state, KEY))
        del ledger, taken
        progress(0.6)
        began = time.perf_counter()
        snapshot = opened(await store.read(NAME), KEY)
        check(snapshot.header, InForce(spec))
        again = restored(snapshot, InForce(spec))
        again.apply(labels, following)
        seconds = time.perf_counter() - began
    progress(1.0)
    size = len(snapshot.ledger) + len(snapshot.state)
    return {
        "restore_seconds": round(seconds, 3),
        "restore_labels": labels,
        "restore_mib": round(size / 2**20),
    }


def _ledger(entries: int) -> PackedEntries:
    draw = np.random.default_rng(1)
    high, low = draw.integers(0, 2**64, (2, entries), dtype=np.uint64)
    high.sort()
    # Revision 1 of a label at each offset, as ``Ledger`` packs them.
    values = (np.uint64(1 << 48) | np.arange(entries, dtype=np.uint64)) << np.uint64(1) | np.uint64(1)
    return PackedEntries(high, low, np.zeros(entries, np.uint64), values)

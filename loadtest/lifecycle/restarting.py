"""Whether replicas stay alike: each is ended now and then, and goes on from somebody's last snapshot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from loadtest.lifecycle.labelled import LABELS, label_log
from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.snapshots import opened, restored, sealed, take
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.records import LogRecord

KEY = bytes(range(32))
AT_ONCE = (1, 70, 500)
"""Records that each replica takes at once."""
REPLICAS = len(AT_ONCE)
SHARE = {"logistic": 1.0, "tree": 0.5, "text": 0.1, "forest": 0.1, "portfolio": 0.04}
"""Of the labels, by preset."""


def measure(labels: int, restarts: int, progress: Callable[[float], None]) -> dict[str, Any]:
    """So many restarts of every preset; ``progress`` gets the share done."""
    diverged = compared = 0
    for number, preset in enumerate(PRESETS, start=1):
        spec = ModelSpec(LABELS, preset)
        found = _run(spec, label_log(int(labels * SHARE[preset]), number), restarts, Random(number))
        diverged, compared = diverged + found[0], compared + found[1]
        progress(number / len(PRESETS))
    return {
        "digest_divergences": diverged,
        "digests_compared": compared,
        "restarts": restarts * len(PRESETS),
        "restart_labels": {preset: int(labels * share) for preset, share in SHARE.items()},
    }


def _run(spec: ModelSpec, log: Sequence[LogRecord], restarts: int, draw: Random) -> tuple[int, int]:
    """Digests that differed from the first replica's, and how many were compared."""
    folds = [Fold(spec) for _ in range(REPLICAS)]
    newest: bytes | None = None
    diverged = compared = 0
    for stop in sorted({*(draw.randint(1, len(log)) for _ in range(restarts)), len(log)}):
        folds = [_advanced(fold, log, stop, at_once) for fold, at_once in zip(folds, AT_ONCE, strict=True)]
        digests = [fold.digest() for fold in folds]
        diverged += sum(digest != digests[0] for digest in digests[1:])
        compared += REPLICAS - 1
        ended = draw.randrange(REPLICAS)
        begun = Fold(spec) if newest is None else restored(opened(newest, KEY), InForce(spec))
        folds[ended] = _advanced(begun, log, stop, AT_ONCE[ended])
        diverged += folds[ended].digest() != digests[ended]
        compared += 1
        newest = _taken(folds[draw.randrange(REPLICAS)])
    return diverged, compared


def _taken(fold: Fold) -> bytes:
    taken = take(fold, fold.digest(), "log", (), 0.0)
    packed = taken.closed.pack()
    taken.ledger.replace(taken.closed, packed)
    return b"".join(sealed(taken.header, packed, taken.state, KEY))


def _advanced(fold: Fold, log: Sequence[LogRecord], end: int, at_once: int) -> Fold:
    for offset in range(fold.version, end):
        fold.note(offset, log[offset])
    if fold.superseded is not None:
        fold = fold.rewound()
    while fold.version < end:
        fold.advance(log[fold.version : min(fold.version + at_once, end)])
    return fold

"""How fast a model is rebuilt from the label log, on one core, decoding included."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from loadtest.lifecycle.labelled import LABELS, label_log
from streamsel.codec import decode_log_record, encode_log_record
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.services.folding import LARGEST_READ

SHARE = {"logistic": 1.0, "portfolio": 0.05}
"""Of the labels, by preset: fits take their time."""


def measure(labels: int, progress: Callable[[float], None]) -> dict[str, Any]:
    """Seconds are those of this process on a core; ``progress`` gets the share done."""
    found = {}
    for number, (preset, share) in enumerate(SHARE.items(), start=1):
        count = int(labels * share)
        payloads = [encode_log_record(record) for record in label_log(count, 1, superseding=False)]
        fold = Fold(ModelSpec(LABELS, preset))
        began = time.process_time()
        for start in range(0, count, LARGEST_READ):
            fold.advance([decode_log_record(payload) for payload in payloads[start : start + LARGEST_READ]])
        fold.digest()
        found[preset] = count / (time.process_time() - began)
        progress(number / len(SHARE))
    return {
        "fold_labels_per_second": round(found["logistic"]),
        "fold_labels_per_second_portfolio": round(found["portfolio"]),
    }

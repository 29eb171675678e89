"""What a label history costs a starting process: µs and bytes a label when it is folded from the beginning.

Run as a module it is a process of its own, whose memory is the fold's.
"""

from __future__ import annotations

import gc
import json
import sys
import time

import psutil

from loadtest.lifecycle.labelled import LABELS, label_log
from streamsel.codec import decode_log_record, encode_log_record
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec

CHUNK = 5_000


def main(labels: str) -> None:
    """Folds so many labels as a start does, decoding included; prints seconds of CPU, and bytes a label."""
    fold, process = Fold(ModelSpec(LABELS)), psutil.Process()
    payloads = [encode_log_record(one) for one in label_log(min(CHUNK, int(labels)), 1, superseding=False)]
    gc.collect()
    spent, before = 0.0, process.memory_info().rss
    for start in range(0, int(labels), CHUNK):
        # The same values under other ids: a label is known by its id alone.
        numbered = [
            payload.replace(b'"q', b'"%dq' % start, 1).replace(b'"t', b'"%dt' % start, 1)
            for payload in payloads[: int(labels) - start]
        ]
        began = time.thread_time()
        for offset, payload in enumerate(numbered, start):
            fold.apply(offset, decode_log_record(payload))
        spent += time.thread_time() - began
    gc.collect()
    grown = process.memory_info().rss - before
    print(
        json.dumps(
            {
                "seconds": spent,
                "us": spent / int(labels) * 1e6,
                "bytes": grown / int(labels),
                "learned": fold.version,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The model an uninterrupted process makes of a label log: records on stdin, one a line, in their order.

python -m loadtest.outside.uninterrupted_fold streamsel.toml < records
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from streamsel import wiring
from streamsel.codec import decode_log_record
from streamsel.config import load
from streamsel.learning.fold import Fold


def main() -> None:
    fold = Fold(wiring.model_spec(load(Path(sys.argv[1]), {})))
    for offset, line in enumerate(sys.stdin.buffer.read().splitlines()):
        fold.apply(offset, decode_log_record(line))
    model = {"version": fold.version, "labels_learned": fold.labels_learned, "digest": fold.digest()}
    sys.stdout.write(orjson.dumps(model).decode())


if __name__ == "__main__":
    main()

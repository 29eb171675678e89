"""A clock that is wrong by the seconds that a file holds, whenever they change.

Python imports this as it starts when the folder is on its path. Intervals are measured by another clock,
which stays right (``time(7)``).
"""

import os
import time
from pathlib import Path

_right = time.time
_told = Path(os.environ["SHIFTED_CLOCK_FILE"])


def _shifted() -> float:
    return _right() + float(_told.read_text())


time.time = _shifted

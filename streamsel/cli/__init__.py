"""The command line: ``streamsel demo | serve | backtest | pool | seed | labels | desk | config``."""

import os

# Of matrices as small as ours a second thread is slower, and fits may take a bounded share of the processor.
# NumPy reads it when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from streamsel.cli.main import main

__all__ = ["main"]

"""Load tests that print their figures: ``python -m loadtest throughput --json``."""

import os

# As the command line does it: what is measured here is what serves.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

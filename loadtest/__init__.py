"""Load tests that print their figures: ``python -m loadtest throughput --json``."""

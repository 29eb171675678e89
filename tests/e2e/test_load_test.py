"""The load test in a small form: it runs to its end and prints what it promises; no figure is judged here."""

from __future__ import annotations

import json
import subprocess
import sys


def test_desk_prints_every_figure_it_promises() -> None:
    """Two thousand queries, a second each: claimed through the script, then claimed and answered by HTTP."""
    done = subprocess.run(
        [sys.executable, "-m", "loadtest", "desk", "--waiting", "2000", "--seconds", "1", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["waiting"], figures["clients"]) == (2_000, 64)
    assert figures["bytes_per_query"] > figures["payload_bytes"] > 0
    for name in ("claims_per_second", "claim_p99_ms", "http_claims_per_second", "http_p99_ms"):
        assert figures[name] > 0.0, name
    assert figures["http_p99_ms"] >= figures["http_p50_ms"]

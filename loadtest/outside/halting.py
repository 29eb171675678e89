"""A server that hangs: it takes connections and bytes, and does nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.local_kafka import LocalKafka


@contextmanager
def halted(server: LocalKafka | EmbeddedValkey) -> Iterator[None]:
    """Hangs until the end of the context."""
    child = server._child  # noqa: SLF001 - nobody else needs to know it
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(child.pid, signal.SIGCONT)

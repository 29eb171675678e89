"""Log lines on stderr: for people on a terminal, JSON elsewhere. Standard-library loggers go the same way."""

from __future__ import annotations

import logging
import sys
from typing import Any

_SAID_AGAIN_SECONDS = 10.0


def configure_logs(level: int = logging.INFO) -> None:
    """Once per process."""
    import structlog

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    output.addFilter(_AiokafkaNowAndThen())
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(level)
    for noisy in ("aiokafka", "httpx", "uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _AiokafkaNowAndThen(logging.Filter):
    """Lets the same line of aiokafka's through only now and then: while a broker is away it writes twenty a
    second."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        now, line = record.created, record.getMessage()
        if now - self._said.get(line, 0.0) < _SAID_AGAIN_SECONDS:
            return False
        self._said = {old: at for old, at in self._said.items() if now - at < _SAID_AGAIN_SECONDS}
        self._said[line] = now
        return True

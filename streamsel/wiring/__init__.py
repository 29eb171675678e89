"""The one place that picks adapters: a configuration to a running process."""

from streamsel.wiring.layout import layout
from streamsel.wiring.service import (
    Service,
    directing,
    model_spec,
    opened_audit_log,
    opened_label_log,
    opened_logs,
    opened_replicas,
    opened_review_queue,
    rebuilt_desk,
    running,
)

__all__ = [
    "Service",
    "directing",
    "layout",
    "model_spec",
    "opened_audit_log",
    "opened_label_log",
    "opened_logs",
    "opened_replicas",
    "opened_review_queue",
    "rebuilt_desk",
    "running",
]

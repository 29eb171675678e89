"""The one place that picks adapters: a configuration to opened logs and stores, for commands.

``wiring.service`` makes a running process of it, and brings the whole HTTP API, for which no command should
have to wait.
"""

from streamsel.wiring.layout import layout
from streamsel.wiring.models import directing, model_spec
from streamsel.wiring.opening import (
    opened_audit_log,
    opened_label_log,
    opened_logs,
    opened_replicas,
    opened_review_queue,
    rebuilt_desk,
)

__all__ = [
    "directing",
    "layout",
    "model_spec",
    "opened_audit_log",
    "opened_label_log",
    "opened_logs",
    "opened_replicas",
    "opened_review_queue",
    "rebuilt_desk",
]

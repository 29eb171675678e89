"""compose.yaml as Compose would read it."""

from __future__ import annotations

import re
from collections.abc import Mapping

GIVEN = {"VALKEY_PASSWORD": "valkey-secret", "GRAFANA_PASSWORD": "grafana-secret"}
"""What the user's .env must hold."""


def filled(text: str, given: Mapping[str, str]) -> str:
    """Compose's interpolation, as far as the file uses it: ``${NAME:?message}``."""

    def value(match: re.Match[str]) -> str:
        name, message = match.groups()
        if name not in given:
            raise LookupError(f"{name}: {message}")
        return given[name]

    return re.sub(r"\$\{(\w+):\?([^}]*)\}", value, text)

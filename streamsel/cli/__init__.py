"""The command line: ``streamsel demo | serve | seed | config``."""

from streamsel.cli.main import main

__all__ = ["main"]

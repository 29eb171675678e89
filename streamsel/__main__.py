"""``python -m streamsel``."""

from streamsel.cli import main

main()

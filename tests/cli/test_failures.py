"""What an operator can mend is told in one line."""

from __future__ import annotations

import pytest

from streamsel.cli.failures import explained
from streamsel.ports import SourceUnavailable
from streamsel.services.selector import PoisonFlood
from streamsel.services.watchdog import StreamStalled


@pytest.mark.parametrize("error", [PoisonFlood, SourceUnavailable, StreamStalled])
def test_what_ends_a_selector_is_its_last_line(error: type[Exception]) -> None:
    """The runbooks say that the reason is there; a traceback would hide it."""
    assert explained(error("nothing moved")) == (1, "nothing moved")


def test_a_mistake_of_ours_is_no_failure_of_the_operators() -> None:
    """Its traceback is what we need."""
    assert explained(KeyError("offset")) is None

"""What can go wrong in ways an operator can mend: one line on stderr, no traceback."""

from __future__ import annotations

from streamsel.adapters.embedded import DataDirectoryInUse
from streamsel.adapters.label_file import BadFile
from streamsel.adapters.local_kafka import BrokerNotInstalled
from streamsel.learning.course import DirectiveMistaken, DirectiveRefused
from streamsel.learning.presets import FactoryRefused
from streamsel.ports import SourceUnavailable, StoreRefused, TopicRefused
from streamsel.ports.erasure import InUse
from streamsel.ports.snapshots import SnapshotsUnavailable
from streamsel.review.refusals import DeskUnreachable, LabelLogRefused, LabelLogUnreachable
from streamsel.services.erasing import StillThere
from streamsel.services.seeding import BadRow
from streamsel.services.selector import PoisonFlood
from streamsel.services.standing import OffsetNotThere
from streamsel.services.watchdog import StreamStalled

_FAILURES = (
    BadFile,
    BadRow,
    BrokerNotInstalled,
    DataDirectoryInUse,
    DeskUnreachable,
    DirectiveRefused,
    InUse,
    LabelLogRefused,
    LabelLogUnreachable,
    OffsetNotThere,
    OSError,  # a port that is taken, a directory that may not be written
    PoisonFlood,
    SnapshotsUnavailable,
    SourceUnavailable,
    StillThere,
    StoreRefused,
    StreamStalled,
    TopicRefused,
)


def explained(error: Exception) -> tuple[int, str] | None:
    """Exit status and line; ``None`` for what is a mistake of ours."""
    if isinstance(error, FactoryRefused):
        return 2, f"model.factory: {error}"
    if isinstance(error, DirectiveMistaken):
        return 2, str(error)
    return (1, str(error)) if isinstance(error, _FAILURES) else None

"""Keeps the accounts of oracles at the label log's end, and where each label's newest revision is."""

from __future__ import annotations

from streamsel.codec import Unreadable, decode_log_record
from streamsel.metrics import Metrics
from streamsel.ports import Clock, LogReader
from streamsel.records import Directive, LabelRecord, LogRecord
from streamsel.review.oracles import Accounts
from streamsel.review.refusals import LabelLogUnreachable
from streamsel.services.log_following import LogFollower

_KNOWN_RECORD_SECONDS = 5.0
_OFFSETS = 2**48
"""More than a log will ever have."""


class AccountsFollower:
    """``run`` until cancelled. Starts at the beginning of the log: the accounts are kept nowhere else."""

    def __init__(
        self, log: LogReader, accounts: Accounts, metrics: Metrics, clock: Clock, *, indexed: bool = False
    ) -> None:
        """``indexed``: for ``newest``; takes some 200 bytes for each label there ever was."""
        self.accounts = accounts
        """At ``accounts.position`` of the log; the same object throughout."""
        self._label_log = log
        self._metrics = metrics
        self._index: dict[str, int] | None = {} if indexed else None
        """Label id to revision and offset in one number."""
        self._follower = LogFollower(log, self._take, clock, outage="oracles_outage", behind=self._tell)

    async def reached(self, position: int) -> None:
        """Returns once the accounts have every record before ``position``."""
        await self._follower.reached(position)

    async def caught_up(self) -> None:
        """Returns once the accounts have all that the log holds now. Raises ``LabelLogUnreachable`` or
        ``SourceUnavailable``."""
        await self.reached(await self._label_log.end())

    async def newest(self, label_id: str) -> LabelRecord | None:
        """The record of the newest revision, the first among equals, as far as the log was read. Raises
        ``LabelLogUnreachable`` or ``SourceUnavailable``, and ``TypeError`` if it was not ``indexed``."""
        if self._index is None:
            raise TypeError("newest is for a follower that is indexed")
        known = self._index.get(label_id)
        if known is None:
            return None
        offset = known % _OFFSETS
        records = await self._label_log.read(offset, 1, _KNOWN_RECORD_SECONDS)
        if not records:
            raise LabelLogUnreachable(f"nothing at offset {offset}, where there was a record")
        record = decode_log_record(records[0][1])
        return None if isinstance(record, Directive) else record

    def stands(self, label_id: str, offset: int) -> bool:
        """Whether the record at this offset is the newest revision. Raises ``TypeError`` if it was not
        ``indexed``."""
        if self._index is None:
            raise TypeError("stands is for a follower that is indexed")
        known = self._index.get(label_id)
        return known is not None and known % _OFFSETS == offset

    async def run(self) -> None:
        """Follows the log; an outage is waited out, and told once."""
        await self._follower.run()

    def _take(self, offset: int, content: bytes) -> None:
        try:
            record: LogRecord | None = decode_log_record(content)
        except Unreadable:
            record = None  # who learns from the log sets it aside
        self.accounts.add(record)
        self._note(offset, record)

    def _note(self, offset: int, record: LogRecord | None) -> None:
        if self._index is None or record is None or isinstance(record, Directive):
            return
        if record.revision > self._index.get(record.label_id, 0) // _OFFSETS:
            self._index[record.label_id] = record.revision * _OFFSETS + offset

    def _tell(self) -> None:
        for name in self.accounts.terms:
            standing = self.accounts.standing(name)
            if standing.agreement is not None:
                self._metrics.oracle_agreement.labels(name).set(standing.agreement)
            self._metrics.oracle_cut_off.labels(name).set(standing.cut_off)

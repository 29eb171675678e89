"""The model as a deterministic fold over the label log.

    model at offset o = learn, in log order, each label id's newest revision, unless that is a retraction,
                        among the records before o that are in no gap, at that record's own position

A label id is held out once any of these records that can count is in the lane ``holdout``: the model, and all
that is learned beside it, is as if there were nothing to read at the offsets of the id's records.

So any two processes that have read the log up to the same offset have the same model, however they came
there, and the offset is the model's version. Records that can't count, being unreadable or naming an unknown
label, are passed over everywhere alike.

Online models can't unlearn. A record that supersedes one already learned therefore stops the fold, and
``rewound`` gives another that stands further back and skips what is superseded when it replays the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from hashlib import blake2b

import numpy as np

from streamsel.experience import Tally, shares_of
from streamsel.learning.calibration import Calibration, Floats
from streamsel.learning.checkpoints import Checkpoints, Learned
from streamsel.learning.features import present
from streamsel.learning.gaps import Gap
from streamsel.learning.ledger import Ledger
from streamsel.learning.presets import Classifier, FitsAhead, build
from streamsel.learning.spec import ModelSpec, unknown_label
from streamsel.records import Directive, Experience, Label, LabelRecord, LogRecord, Opinion, Value

PROBES = 16
"""The digest is taken over the predictions for the first so many labels learned."""


class Outcome(StrEnum):
    """What became of a record. All but ``REWIND`` advance the fold."""

    LEARNED = "learned"
    RETRACTED = "retracted"
    """A retraction that counts, and had nothing to unlearn."""
    OPINION = "opinion"
    """One answer of several, or one that does not count: not for the model."""
    DIRECTIVE = "directive"
    """About the model itself, and so not for this one to learn."""
    LEFT_OUT = "left_out"
    """In a gap: rolled back, or come while the model is frozen."""
    DUPLICATE = "duplicate"
    """This revision of the label, or a newer one, is known; the model did not change."""
    HELD_OUT = "held_out"
    """A label for evaluation alone."""
    UNREADABLE = "unreadable"
    UNKNOWN_LABEL = "unknown_label"
    """Not one of the spec's labels: passed over, whatever its revision."""
    REFUSED = "refused"
    """The estimator raised on it. What it may have half learned, it has everywhere alike."""
    REWIND = "rewind"
    """Supersedes a label already learned; go on with ``rewound``."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a record, with a sentence where there is something to say."""

    outcome: Outcome
    detail: str = ""
    explored: tuple[Calibration, Floats] | None = None

    @property
    def predicted(self) -> Floats | None:
        """Of a label of the explore lane that was learned: the probabilities (labels,) that the model would
        have served just before; ``None`` if it had no opinion."""
        if self.explored is None:
            return None
        calibration, predicted = self.explored
        served: Floats = calibration(predicted[np.newaxis])[0]
        return served


_LEARNED = Applied(Outcome.LEARNED)


class Fold:
    """A model and the offset it stands at."""

    def __init__(self, spec: ModelSpec, gaps: Sequence[Gap] = ()) -> None:
        """Raises ``presets.FactoryRefused``."""
        self.spec = spec
        self.gaps = gaps
        """Records in these are passed over. They may be exchanged for others that are alike up to the offset
        where ``note`` has looked."""
        self.model: Classifier = build(spec)
        self.version = 0
        """The offset of the next record."""
        classes = len(spec.labels)
        self._learned = Learned(Tally((0,) * classes), Calibration.identity(classes))
        self._ledger = Ledger()
        self._checkpoints = Checkpoints()
        self._complete_from = 0
        self._rewind_to: int | None = None

    @classmethod
    def restored(
        cls, spec: ModelSpec, version: int, model: Classifier, learned: Learned, ledger: Ledger
    ) -> Fold:
        """A fold as it was taken at ``version``, when it was ``complete``. It has no checkpoints: what
        supersedes a label learned before then rewinds it to the start."""
        fold = cls(spec)
        fold.model, fold.version = model, version
        fold._learned, fold._ledger = learned, ledger
        return fold

    @property
    def learned(self) -> Learned:
        """What was learned beside the model."""
        return self._learned

    @property
    def ledger(self) -> Ledger:
        """All label ids that were noted; folds that are rewound share it."""
        return self._ledger

    @property
    def labels_learned(self) -> int:
        """Labels in the model."""
        return self._learned.labels

    @property
    def experience(self) -> Experience:
        """What these labels tell of the model."""
        return self._learned.tally.experience

    @property
    def calibration(self) -> Calibration:
        """What makes of the model's probabilities those that are served."""
        return self._learned.calibration

    @property
    def complete(self) -> bool:
        """Whether the model is what its version promises. Not while it has skipped a label that is only
        superseded further ahead, where ``note`` has looked."""
        return self.version >= self._complete_from

    @property
    def superseded(self) -> int | None:
        """Offset of the first label in the model that a later record supersedes, as far as noted."""
        return self._rewind_to

    def note(self, offset: int, record: LogRecord | None) -> None:
        """Announces a record ahead, so that labels it supersedes are skipped instead of rewound to. To be
        called in log order, from the fold's version on or further back."""
        if record is None or isinstance(record, Directive) or not self._counts(record):
            return
        if self._left_out(offset):
            return
        superseded = self._ledger.note(offset, record)
        if superseded is not None and superseded.is_label and superseded.offset < self.version:
            known = self._rewind_to
            self._rewind_to = superseded.offset if known is None else min(known, superseded.offset)

    def apply(self, offset: int, record: LogRecord | None) -> Applied:
        """Takes the record at ``version``; ``None`` for one that can't be read."""
        if offset != self.version:
            raise ValueError(
                f"the fold stands at offset {self.version} and can't take the record at {offset}"
            )
        self.note(offset, record)
        if self._rewind_to is not None:
            return Applied(Outcome.REWIND)
        self.version += 1
        if self._left_out(offset):
            return Applied(Outcome.LEFT_OUT)
        if record is None:
            return Applied(Outcome.UNREADABLE)
        if isinstance(record, Opinion):
            return Applied(Outcome.OPINION)
        if isinstance(record, Directive):
            return Applied(Outcome.DIRECTIVE)
        if isinstance(record, Label) and not self._counts(record):
            return Applied(Outcome.UNKNOWN_LABEL, unknown_label(record.label, self.spec.labels))
        counting = self._ledger.entry(record.label_id).offset
        if counting != offset:
            self._complete_from = max(self._complete_from, counting + 1)
            return Applied(Outcome.DUPLICATE)
        if not isinstance(record, Label):
            return Applied(Outcome.RETRACTED)
        if record.lane == "holdout":
            return Applied(Outcome.HELD_OUT)
        return self._learn(record)

    def ahead(self, offset: int, record: LogRecord | None) -> Callable[[], None] | None:
        """What takes long about applying the record at ``version``: to be called before that, perhaps in
        another thread, while nothing but predictions is asked of this fold. ``None`` if nothing does."""
        model = self.model
        if not isinstance(model, FitsAhead) or not model.fit_due or not isinstance(record, Label):
            return None
        self.note(offset, record)
        if self._rewind_to is not None or not self._counts(record) or self._left_out(offset):
            return None
        if record.lane == "holdout" or self._ledger.entry(record.label_id).offset != offset:
            return None
        return partial(_fit_ahead, model, present(record.features), record.label)

    def rewound(self) -> Fold:
        """A fold before everything that is superseded, as far as noted; replay the log from its version.

        This fold must not be applied to any more. It still predicts. Raises ``RuntimeError`` when nothing it
        has learned is superseded.
        """
        if self._rewind_to is None:
            raise RuntimeError("nothing this fold has learned is superseded")
        fold = Fold(self.spec, self.gaps)
        fold._ledger = self._ledger
        fold._checkpoints = self._checkpoints
        checkpoint = self._checkpoints.before(self._rewind_to)
        if checkpoint is not None:
            fold.model = checkpoint.model()
            fold.version = checkpoint.version
            fold._learned = checkpoint.learned
        return fold

    def digest(self) -> str:
        """128 bits of BLAKE2b, in hex, over spec, version, and the calibration and the model's predictions on
        the probes to nine decimals: the same for every process at this version. Raises ``RuntimeError``
        unless ``complete``."""
        if not self.complete:
            raise RuntimeError(f"the fold at {self.version} is only complete from {self._complete_from} on")
        facts = f"{self.spec.spec_hash} {self.version} {self.calibration.scale:.9f}"
        content = blake2b(facts.encode(), digest_size=16)
        for probe in self._learned.probes:
            content.update(self._opinion(dict(probe)).encode())
        return content.hexdigest()

    def _learn(self, label: Label) -> Applied:
        features = present(label.features)
        # A seed's event was never predicted.
        lane = "none" if label.source == "seed" else label.lane
        predicted = self._predicted(features) if lane == "explore" else None
        try:
            self.model.learn_one(features, label.label)
        except Exception as error:  # noqa: BLE001 - an estimator of someone's own may raise anything
            return Applied(Outcome.REFUSED, f"{type(error).__name__}: {error}")
        learned = self._learned
        calibration, explored = learned.calibration, None
        if predicted is not None:
            explored = calibration, predicted
            calibration = calibration.learned(predicted, self.spec.labels.index(label.label))
        probes = learned.probes
        self._learned = Learned(
            learned.tally.learned(label.label, self.spec.labels, lane, label.probabilities),
            calibration,
            learned.labels + 1,
            probes if len(probes) == PROBES else (*probes, features),
        )
        self._checkpoints.take(self.version, self._learned, self.model)
        return Applied(Outcome.LEARNED, explored=explored) if explored else _LEARNED

    def _predicted(self, features: dict[str, Value]) -> Floats | None:
        try:
            shares = shares_of(self.model.predict_proba_one(features), self.spec.labels)
        except Exception:  # noqa: BLE001
            return None
        return None if shares is None else np.array(shares)

    def _opinion(self, features: dict[str, Value]) -> str:
        try:
            predicted = self.model.predict_proba_one(features)
        except Exception as error:  # noqa: BLE001
            return type(error).__name__
        return " ".join(f"{predicted.get(label, 0.0):.9f}" for label in self.spec.labels)

    def _left_out(self, offset: int) -> bool:
        return any(offset in gap for gap in self.gaps)

    def _counts(self, record: LabelRecord) -> bool:
        match record:
            case Label():
                return record.label in self.spec.labels
            case Opinion():
                return False
        return True


def _fit_ahead(model: FitsAhead, features: dict[str, Value], label: str) -> None:
    # What can't be fitted can't be learned either, and is told of then.
    with suppress(Exception):
        model.fit_ahead(features, label)

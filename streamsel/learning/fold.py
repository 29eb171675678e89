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
from functools import partial
from hashlib import blake2b
from typing import cast

from streamsel.experience import Answer, Tally, shares_of
from streamsel.learning.applied import Applied, Outcome
from streamsel.learning.calibration import Calibration
from streamsel.learning.checkpoints import Checkpoints, Learned
from streamsel.learning.features import present
from streamsel.learning.gaps import Gap
from streamsel.learning.ledger import Ledger
from streamsel.learning.presets import Classifier, FitsAhead, LearnsEach, build
from streamsel.learning.spec import ModelSpec, unknown_label
from streamsel.records import Directive, Experience, Label, LabelRecord, LogRecord, Opinion, Value

PROBES = 16
"""The digest is taken over the predictions for the first so many labels learned."""

_APPLIED = {outcome: Applied(outcome) for outcome in Outcome}


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
        if self._set_aside(offset, record) is None:
            self._note([(offset, cast(LabelRecord, record))])

    def apply(self, offset: int, record: LogRecord | None) -> Applied:
        """Takes the record at ``version``; ``None`` for one that can't be read."""
        if offset != self.version:
            raise ValueError(
                f"the fold stands at offset {self.version} and can't take the record at {offset}"
            )
        return self.advance([record])[0]

    def advance(self, records: Sequence[LogRecord | None]) -> list[Applied]:
        """Takes the records from ``version`` on, and tells what became of each. The model is to the last bit
        what it is when all are noted, and then applied one by one. Where they supersede a label already
        learned, none is taken, and ``REWIND`` is all that is told."""
        start = self.version
        told = [self._set_aside(offset, record) for offset, record in enumerate(records, start)]
        noted = [one for one, applied in zip(enumerate(records, start), told, strict=True) if applied is None]
        counting = self._note(cast(list[tuple[int, LabelRecord]], noted))
        if self._rewind_to is not None:
            return [_APPLIED[Outcome.REWIND]]
        learning: list[tuple[int, Label]] = []
        for (offset, record), counts in zip(noted, counting, strict=True):
            if counts != offset:
                self._complete_from = max(self._complete_from, counts + 1)
                told[offset - start] = _APPLIED[Outcome.DUPLICATE]
            elif not isinstance(record, Label):
                told[offset - start] = _APPLIED[Outcome.RETRACTED]
            elif record.lane == "holdout":
                told[offset - start] = _APPLIED[Outcome.HELD_OUT]
            else:
                learning.append((offset, record))
        for (offset, _), applied in zip(learning, self._learn([label for _, label in learning]), strict=True):
            told[offset - start] = applied
        self.version = start + len(records)
        self._checkpoints.take(self.version, self._learned, self.model)
        return cast(list[Applied], told)

    def ahead(self, offset: int, record: LogRecord | None) -> Callable[[], None] | None:
        """What takes long about applying the record at ``version``: to be called before that, perhaps in
        another thread, while nothing but predictions is asked of this fold. ``None`` if nothing does."""
        model = self.model
        if not isinstance(model, FitsAhead) or not model.fit_due or not isinstance(record, Label):
            return None
        if record.lane == "holdout" or self._set_aside(offset, record) is not None:
            return None
        if self._note([(offset, record)]) != [offset] or self._rewind_to is not None:
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

    def _set_aside(self, offset: int, record: LogRecord | None) -> Applied | None:
        """What becomes of a record that counts for no label id; ``None`` of one that may."""
        if self.gaps and any(offset in gap for gap in self.gaps):
            return _APPLIED[Outcome.LEFT_OUT]
        if isinstance(record, Label):
            if record.label in self.spec.labels:
                return None
            return Applied(Outcome.UNKNOWN_LABEL, unknown_label(record.label, self.spec.labels))
        if record is None:
            return _APPLIED[Outcome.UNREADABLE]
        if isinstance(record, Opinion):
            return _APPLIED[Outcome.OPINION]
        return _APPLIED[Outcome.DIRECTIVE] if isinstance(record, Directive) else None

    def _note(self, records: Sequence[tuple[int, LabelRecord]]) -> list[int]:
        """Returns for each the offset of what counts for its id by then."""
        superseded, counting = self._ledger.note(records)
        for entry in superseded:
            if entry.is_label and entry.offset < self.version:
                known = self._rewind_to
                self._rewind_to = entry.offset if known is None else min(known, entry.offset)
        return counting

    def _learn(self, labels: Sequence[Label]) -> list[Applied]:
        """What became of each."""
        answers = [_answer(label) for label in labels]
        asked = [answer.lane == "explore" for answer in answers]
        if len(labels) > 1 and isinstance(self.model, LearnsEach):
            events, classes = [label.features for label in labels], [label.label for label in labels]
            said = self.model.learn_each(events, classes, asked)
            if said is not None:
                opinions = iter(said)
                predicted = [shares_of(next(opinions), self.spec.labels) if one else None for one in asked]
                return self._remember(labels, answers, predicted)
        return [self._learn_one(*one) for one in zip(labels, answers, asked, strict=True)]

    def _learn_one(self, label: Label, answer: Answer, asked: bool) -> Applied:
        features, predicted = present(label.features), None
        if asked:
            with suppress(Exception):
                predicted = shares_of(self.model.predict_proba_one(features), self.spec.labels)
        try:
            self.model.learn_one(features, label.label)
        except Exception as error:  # noqa: BLE001 - an estimator of someone's own may raise anything
            return Applied(Outcome.REFUSED, f"{type(error).__name__}: {error}")
        return self._remember([label], [answer], [predicted])[0]

    def _remember(
        self, labels: Sequence[Label], answers: Sequence[Answer], predicted: Sequence[Sequence[float] | None]
    ) -> list[Applied]:
        """Takes into account what the model has learned, and for each label what it had predicted before,
        (labels,), if it was asked and had an opinion."""
        names, learned = self.spec.labels, self._learned
        calibration = learned.calibration
        applied = [_APPLIED[Outcome.LEARNED]] * len(labels)
        for place, shares in enumerate(predicted):
            if shares is not None:
                applied[place] = Applied(Outcome.LEARNED, explored=(calibration, shares))
                calibration = calibration.learned(shares, names.index(labels[place].label))
        probed = labels[: PROBES - len(learned.probes)]
        self._learned = Learned(
            learned.tally.learned_all(answers, names),
            calibration,
            learned.labels + len(labels),
            (*learned.probes, *(present(label.features) for label in probed)),
        )
        return applied

    def _opinion(self, features: dict[str, Value]) -> str:
        try:
            predicted = self.model.predict_proba_one(features)
        except Exception as error:  # noqa: BLE001
            return type(error).__name__
        return " ".join(f"{predicted.get(label, 0.0):.9f}" for label in self.spec.labels)


def _answer(label: Label) -> Answer:
    # A seed's event was never predicted.
    return Answer(label.label, "none" if label.source == "seed" else label.lane, label.probabilities)


def _fit_ahead(model: FitsAhead, features: dict[str, Value], label: str) -> None:
    # What can't be fitted can't be learned either, and is told of then.
    with suppress(Exception):
        model.fit_ahead(features, label)

"""A log folded in stretches is the log folded record by record, to the last bit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning import checkpoints
from streamsel.learning.applied import Applied, Outcome
from streamsel.learning.fold import Fold
from streamsel.learning.spec import ModelSpec
from streamsel.records import Label, Lane, LogRecord
from tests.core.learning_strategies import (
    directive_record,
    label_record,
    mixed_record,
    opinion_record,
    retraction_record,
)

LABELS = ("fine", "fraud", "review")
LANES: Sequence[Lane] = ("none", "uncertain", "explore", "explore", "holdout")
Log = Sequence[LogRecord | None]


def numbers_record(draw: random.Random, label_id: str, revision: int = 1) -> Label:
    """Of numbers alone, as a model can learn many of; some are missing."""
    features = {"x": draw.gauss(0.0, 1.0), "y": draw.choice((None, draw.random(), 1)), "z": 3}
    label = label_record(label_id, revision, draw.choice(LABELS), features)
    shares = [draw.random() for _ in LABELS]
    said = dict(zip(LABELS, shares, strict=True))
    return replace(label, lane=draw.choice(LANES), probabilities=said)


def log_of(seed: int, records: int, odd: float) -> Log:
    """A share is not just another label."""
    draw = random.Random(seed)
    log: list[LogRecord | None] = []
    for offset in range(records):
        if draw.random() >= odd:
            log.append(numbers_record(draw, str(offset)))
            continue
        earlier = str(draw.randrange(max(offset, 1)))
        log.append(
            draw.choice(
                (
                    numbers_record(draw, earlier, draw.randrange(3)),
                    retraction_record(earlier, draw.randrange(3)),
                    mixed_record(draw, str(offset)),
                    label_record(str(offset), label="perhaps"),
                    label_record(str(offset), features={"x": float("nan")}),
                    opinion_record(earlier),
                    directive_record(earlier),
                    None,
                )
            )
        )
    return log


def noted(log: Log, spec: ModelSpec) -> Fold:
    """Yet to be folded."""
    fold = Fold(spec)
    for offset, record in enumerate(log):
        fold.note(offset, record)
    return fold


def told(applied: Applied) -> tuple[Outcome, str, list[float] | None]:
    """All that is told of a record, with what would have been served."""
    return applied.outcome, applied.detail, None if applied.predicted is None else applied.predicted.tolist()


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    records=st.integers(0, 60),
    odd=st.sampled_from((0.0, 0.05, 0.5)),
    cuts=st.sets(st.integers(1, 60)),
    classes=st.integers(2, 3),
    spacing=st.sampled_from((3, 64)),
)
def test_wherever_it_is_cut(
    seed: int, records: int, odd: float, cuts: set[int], classes: int, spacing: int
) -> None:
    """Model, calibration, experience, probes and what is told of each record; with whatever lies between."""
    cuts = {cut for cut in cuts if cut < records}
    spec, log = ModelSpec(LABELS[:classes], text="note"), log_of(seed, records, odd)
    single, whole = noted(log, spec), noted(log, spec)
    with patch.object(checkpoints, "SPACING", spacing):
        expected = [told(single.apply(offset, record)) for offset, record in enumerate(log)]
        found: list[Applied] = []
        for start, end in pairwise([0, *sorted(cuts), records]):
            found += whole.advance(log[start:end])
    assert list(map(told, found)) == expected
    assert whole.version == single.version == records
    assert whole.digest() == single.digest()
    assert whole.calibration.scale == single.calibration.scale
    assert whole.labels_learned == single.labels_learned
    assert repr(whole.learned.tally) == repr(single.learned.tally)
    assert whole.learned.probes == single.learned.probes


def test_a_stretch_that_supersedes_what_was_learned_is_not_begun() -> None:
    """The fold asks to be rewound as it stands; another takes all of it."""
    log = log_of(1, 300, 0.0)
    stretch = [*log[200:250], retraction_record(learned(log[:100]), 2), *log[251:]]
    spec = ModelSpec(LABELS)
    fold = Fold(spec)
    fold.advance(log[:200])
    assert [applied.outcome for applied in fold.advance(stretch)] == [Outcome.REWIND]
    assert fold.version == 200
    rewound = fold.rewound()
    rewound.advance([*log[rewound.version : 200], *stretch])
    whole = [*log[:200], *stretch]
    expected = noted(whole, spec)
    expected.advance(whole)
    assert rewound.digest() == expected.digest()


@pytest.mark.parametrize("spacing", [10, 64])
def test_rewinds_to_a_checkpoint_between_two_stretches(spacing: int) -> None:
    """They are taken where stretches end, no further apart than is due."""
    log = log_of(2, 400, 0.0)
    fold = Fold(ModelSpec(LABELS))
    with patch.object(checkpoints, "SPACING", spacing):
        for start in range(0, 400, 25):
            fold.advance(log[start : start + 25])
    superseded = learned(log[:390])
    fold.note(400, retraction_record(superseded, 2))
    assert fold.rewound().version >= int(superseded) - 2 * (spacing + 25)


def learned(log: Log) -> str:
    """The id of the last label in it that is not held out."""
    return next(one.label_id for one in reversed(log) if isinstance(one, Label) and one.lane != "holdout")

"""Snapshots: exactly the fold that was taken, or refused."""

from __future__ import annotations

import io
import pickle
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamsel.learning.applied import Outcome
from streamsel.learning.course import InForce
from streamsel.learning.fold import Fold
from streamsel.learning.packed_ledger import PackedEntries
from streamsel.learning.snapshots import (
    Header,
    SnapshotRefused,
    check,
    log_id,
    opened,
    restored,
    sealed,
    take,
)
from streamsel.learning.spec import PRESETS, ModelSpec
from streamsel.learning.unpickling import RestrictedUnpickler, globals_of
from streamsel.records import Label, LogRecord
from tests.core.learning_strategies import mixed_record, retraction_record

LABELS = ("fine", "fraud", "review")
KEY = b"k" * 32
SPECS = [
    *(ModelSpec(LABELS, preset, text="note") for preset in PRESETS),
    *(ModelSpec(LABELS, preset, text="note", copies=2) for preset in ("logistic", "tree")),
]
specs = pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.preset}-{spec.copies}")


def snapshot_of(fold: Fold, key: bytes = KEY) -> bytes:
    """The file of a fold."""
    taken = take(fold, fold.digest(), "the log", [(3, "a directive")], 1.0)
    packed = taken.closed.pack()
    fold.ledger.replace(taken.closed, packed)
    return b"".join(sealed(taken.header, packed, taken.state, key))


def again(content: bytes, spec: ModelSpec, key: bytes = KEY) -> Fold:
    """The fold of a file."""
    return restored(opened(content, key), InForce(spec))


def explored(draw: random.Random, label_id: str, revision: int = 1) -> Label:
    """A label from which everything is learned that can be."""
    opinion = {label: draw.random() for label in LABELS}
    record = mixed_record(draw, label_id, revision)
    return replace(record, lane=draw.choice(("explore", "uncertain")), probabilities=opinion)


def brought_to(fold: Fold, log: Sequence[LogRecord | None], end: int) -> Fold:
    """The fold at ``end``, rewound where it asks for it."""
    while fold.version < end:
        offset = fold.version
        if fold.apply(offset, log[offset]).outcome is Outcome.REWIND:
            for position in range(offset, end):
                fold.note(position, log[position])
            fold = fold.rewound()
    return fold


@st.composite
def logs(draw: st.DrawFn) -> Sequence[LogRecord | None]:
    """Labels of a few events, corrected, retracted and unreadable."""
    events = random.Random(draw(st.integers(0, 2**32)))
    records: list[LogRecord | None] = []
    kinds = st.sampled_from(("label",) * 6 + ("retraction", "unreadable"))
    for _ in range(draw(st.integers(1, 25))):
        label_id, revision = f"label {draw(st.integers(0, 12))}", draw(st.integers(0, 3))
        match draw(kinds):
            case "label":
                records.append(explored(events, label_id, revision))
            case "retraction":
                records.append(retraction_record(label_id, revision))
            case _:
                records.append(None)
    return records


@specs
@settings(max_examples=8, deadline=None)
@given(log=logs(), data=st.data())
def test_a_fold_restored_at_any_points_ends_as_one_that_never_was(
    spec: ModelSpec, log: Sequence[LogRecord | None], data: st.DataObject
) -> None:
    """Whatever is corrected or retracted before or after them: digest, calibration and experience."""
    straight = brought_to(Fold(spec), log, len(log))
    fold = Fold(spec)
    for point in sorted(data.draw(st.sets(st.integers(0, len(log)), max_size=3))):
        fold = again(snapshot_of(brought_to(fold, log, point)), spec)
        assert fold.version == point
    fold = brought_to(fold, log, len(log))
    assert fold.complete
    assert fold.digest() == straight.digest()
    assert (fold.labels_learned, fold.calibration.scale) == (
        straight.labels_learned,
        straight.calibration.scale,
    )
    assert repr(fold.experience) == repr(straight.experience)


def turning(spec: ModelSpec) -> Fold:
    """Grown on a stream whose meaning turns over halfway, so that trees have branches and others beside."""
    draw = random.Random(7)
    fold = Fold(spec)
    labels = 80 if spec.preset == "portfolio" else 1200 if spec.preset == "tree" else 200
    for offset in range(labels):
        record = explored(draw, str(offset))
        if offset > labels / 2:
            record = replace(record, label=LABELS[(LABELS.index(record.label) + 1) % 3])
        fold.apply(offset, record)
    return fold


def made_of(fold: Fold) -> set[str]:
    """The globals that its pickle names."""
    named = set()

    class Naming(RestrictedUnpickler):
        def find_class(self, module: str, name: str) -> Any:
            named.add(f"{module}:{name}")
            return super().find_class(module, name)

    state = b"".join(take(fold, fold.digest(), "the log", [(3, "a directive")], 1.0).state)
    Naming(io.BytesIO(state), globals_of(fold.spec)).load()
    return named


@specs
def test_what_may_be_unpickled_is_what_a_fold_of_the_preset_is_made_of(spec: ModelSpec) -> None:
    """Nothing that is not needed is allowed."""
    two = replace(spec, labels=LABELS[:2])
    named = made_of(turning(spec))
    assert named == globals_of(spec)
    assert globals_of(two) == globals_of(spec)


def test_nothing_of_a_factory_is_unpickled() -> None:
    """What it is made of is not known."""
    assert globals_of(ModelSpec(LABELS, factory="package.module:function")) == frozenset()


class Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return print, ("called",)


SPEC = ModelSpec(LABELS, text="note")


@cache
def ordinary() -> bytes:
    """A snapshot of fifty labels."""
    draw = random.Random(1)
    log = [explored(draw, str(offset)) for offset in range(50)]
    return snapshot_of(brought_to(Fold(SPEC), log, 50))


def refused(content: bytes, spec: ModelSpec = SPEC, key: bytes = KEY) -> str:
    """Why."""
    with pytest.raises(SnapshotRefused) as caught:
        again(content, spec, key)
    assert caught.value.detail
    return caught.value.reason


def fields_of(content: bytes) -> Mapping[str, tuple[int, int]]:
    """Where each field of the file lies."""
    header = opened(content, KEY).header
    places = {"magic": (0, 20)}
    for name, value in asdict(header).items():
        begin = content.index(f'"{name}":'.encode())
        places[f"header.{name}"] = (begin, begin + len(name) + 3 + len(str(value)))
    end = len(content) - 32
    ledger = end - header.payload_bytes
    state = end - header.state_bytes
    return places | {"ledger": (ledger, state), "state": (state, end), "signature": (end, end + 32)}


def test_a_bit_flipped_in_any_field_is_noticed() -> None:
    """In the header, the ledger, the model and the signature; nothing is unpickled then."""
    content = ordinary()
    draw = random.Random(3)
    for begin, end in fields_of(content).values():
        for _ in range(12):
            place, bit = draw.randrange(begin, min(end, len(content))), draw.randrange(8)
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            assert refused(bytes(flipped)) in ("format", "truncated", "signature")


@given(length=st.integers(0, len(ordinary()) - 1))
def test_a_part_of_a_snapshot_is_none(length: int) -> None:
    """However much of it is there."""
    assert refused(ordinary()[:length]) in ("format", "truncated")


def test_what_is_longer_than_it_says_is_refused() -> None:
    """Something was written behind it."""
    assert refused(ordinary() + b"x") == "truncated"


def test_another_key_is_refused() -> None:
    """Whoever does not have ours can't write what we read."""
    assert refused(ordinary(), key=b"x" * 32) == "signature"


def resealed(changes: Mapping[str, Any], state: bytes | None = None) -> bytes:
    """The ordinary snapshot with other facts, and signed."""
    snapshot = opened(ordinary(), KEY)
    state = bytes(snapshot.state) if state is None else state
    header = replace(snapshot.header, state_bytes=len(state), **changes)
    return b"".join(sealed(header, PackedEntries.over(snapshot.ledger), [state], KEY))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"spec": "0" * 32}, "spec"),
        ({"left_out": [[3, 5]]}, "gaps"),
        ({"versions": {}}, "versions"),
    ],
)
def test_what_is_not_of_this_place_is_refused(changes: Mapping[str, Any], reason: str) -> None:
    """Of another model, other records, or by other libraries."""
    header = opened(resealed(changes), KEY).header
    with pytest.raises(SnapshotRefused) as caught:
        check(header, InForce(SPEC))
    assert caught.value.reason == reason


def test_versions_of_every_library_count() -> None:
    """Any other one may compute or pickle in another way."""
    header = opened(ordinary(), KEY).header
    check(header, InForce(SPEC))
    assert set(header.versions) == {"lightgbm", "numpy", "python", "river", "streamsel"}
    for name in header.versions:
        other: Header = replace(header, versions={**header.versions, name: "0"})
        with pytest.raises(SnapshotRefused, match=f"taken with.* {name} 0"):
            check(other, InForce(SPEC))


def test_a_model_that_is_not_the_one_it_says_is_refused() -> None:
    """Its digest tells, and so does a version that it was not taken at."""
    assert refused(resealed({"digest": "0" * 32})) == "digest"
    assert refused(resealed({"offset": 49})) == "digest"


def test_a_global_that_is_no_part_of_the_model_is_refused_before_it_is_imported(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Even where the signature is right."""
    evil = resealed({}, pickle.dumps(Evil(), pickle.HIGHEST_PROTOCOL))
    with pytest.raises(SnapshotRefused, match=r"builtins\.print is no part of this model"):
        again(evil, SPEC)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("state", [pickle.dumps((1, 2)), pickle.dumps(b"x" * 99), b"", b"no pickle"])
def test_what_holds_no_model_is_refused(state: bytes) -> None:
    """Whatever else it holds."""
    assert refused(resealed({}, state)) == "content"


def test_a_log_is_known_by_its_first_and_last_record() -> None:
    """However they are cut."""
    assert len({log_id(b"a", b"b"), log_id(b"ab", b""), log_id(b"b", b"a"), log_id(b"a", b"c")}) == 4

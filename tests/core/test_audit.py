"""The audit log's chains: what verifies, and what every kind of tampering comes to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsel.review.audit import NO_HASH, Entry, Heads, NotAnEntry, Verdict, Verifier, canonical, decode

ONE, OTHER = "1" * 32, "2" * 32


def entry(chain: str, sequence: int, previous: str, who: str = "ana", detail: object = None) -> Entry:
    """A claim; the first of a chain opens it."""
    return Entry.sealed(
        chain=chain,
        sequence=sequence,
        previous=previous,
        at=f"2026-11-21T12:00:{sequence:02}.000000+00:00",
        who=who,
        role="reviewer",
        action="claimed" if sequence else "opened chain",
        query_id="9f2c4e1ab3d05c77" if sequence else "",
        detail=detail or {},
    )


def chain(name: str, length: int, detail: object = None) -> list[bytes]:
    """The records of a whole chain; ``detail`` is its first entry's."""
    entries = [entry(name, 0, NO_HASH, detail=detail)]
    while len(entries) < length:
        entries.append(entry(name, len(entries), entries[-1].hash))
    return [one.encode() for one in entries]


def verdict(records: Iterable[bytes]) -> Verdict:
    verifier = Verifier()
    for offset, record in enumerate(records):
        verifier.add(offset, record)
    return verifier.verdict()


def changed(record: bytes, **fields: object) -> bytes:
    """With other content under the old hash."""
    return canonical(json.loads(record) | fields)


def rehashed(record: bytes, **fields: object) -> bytes:
    """With other content, and the hash that fits it."""
    kept = {key: value for key, value in json.loads(record).items() if key != "hash"}
    return Entry.sealed(**(kept | fields)).encode()


def told(records: Sequence[bytes]) -> list[tuple[str, int | None, int]]:
    """Kind, sequence and offset of what is broken."""
    return [(one.kind, one.sequence, one.offset) for one in verdict(records).broken]


def test_an_entry_is_the_sha256_of_its_canonical_json() -> None:
    """So that anybody can check it without this program: sorted keys, no spaces, UTF-8."""
    sealed = entry(ONE, 1, NO_HASH, who="anä", detail={"fence": 3})
    fields = json.loads(sealed.encode())
    assert fields.pop("hash") == sealed.hash
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert sealed.hash == sha256(text.encode()).hexdigest()
    assert decode(sealed.encode()) == sealed


def test_whole_chains_verify_however_they_are_interleaved() -> None:
    """Entries and chains are counted, and the heads are the last of each chain."""
    one, other = chain(ONE, 4), chain(OTHER, 2)
    found = verdict([one[0], other[0], one[1], one[2], other[1], one[3]])
    assert found.sound
    assert (found.entries, found.chains) == (6, 2)
    assert found.heads == {ONE: decode(one[3]).hash, OTHER: decode(other[1]).hash}


def test_an_empty_log_is_sound() -> None:
    """There is nothing in it to be broken."""
    assert verdict([]) == Verdict(0, 0, [], {})


def test_an_entry_that_stands_twice_is_no_break() -> None:
    """Its writer was not told that the log had it."""
    one = chain(ONE, 4)
    found = verdict([one[0], one[1], one[2], one[1], one[2], one[3]])
    assert found.sound
    assert found.heads == {ONE: decode(one[3]).hash}


@pytest.mark.parametrize(
    ("tampered", "expected"),
    [
        (lambda c: [c[0], changed(c[1], who="ben"), *c[2:]], ("changed", 1, 1)),
        (lambda c: [c[0], rehashed(c[1], who="ben"), *c[2:]], ("changed", 1, 1)),
        (lambda c: [c[0], *c[2:]], ("removed", 1, 1)),
        (lambda c: c[1:], ("removed", 0, 0)),
        (lambda c: [c[0], c[2], c[1], c[3]], ("reordered", 1, 1)),
        (lambda c: [c[1], c[0], *c[2:]], ("reordered", 0, 0)),
        (lambda c: [*c[:2], rehashed(c[1], who="ben"), *c[2:]], ("inserted", 1, 2)),
        (lambda c: [*c[:2], b"{}", *c[2:]], ("unreadable", None, 2)),
        (lambda c: [*c[:2], b"\xff", *c[2:]], ("unreadable", None, 2)),
    ],
)
def test_the_first_broken_entry_is_named(tampered: object, expected: tuple[str, int | None, int]) -> None:
    """By what was done to it, its number, and where in the log it shows; another chain is unharmed."""
    assert callable(tampered)
    assert told(tampered(chain(ONE, 4)) + chain(OTHER, 3)) == [expected]


def test_each_broken_chain_is_told_once() -> None:
    """Its first break; the rest follows from it."""
    one, other = chain(ONE, 5), chain(OTHER, 5)
    records = [one[0], changed(one[1], who="ben"), changed(one[2], who="ben"), *one[3:], other[0], *other[2:]]
    assert told(records) == [("changed", 1, 1), ("removed", 1, 6)]


@given(
    st.lists(st.sampled_from([ONE, OTHER]), min_size=3, max_size=20),
    st.data(),
)
def test_no_tampering_before_the_end_of_a_chain_goes_unseen(order: list[str], data: st.DataObject) -> None:
    """One entry changed, removed, inserted or moved, in any interleaving of two chains."""
    chains = {name: iter(chain(name, len(order))) for name in (ONE, OTHER)}
    records = [next(chains[name]) for name in order]
    assert verdict(records).sound
    # Of three entries in two chains one has another after it.
    place = data.draw(st.sampled_from([i for i, name in enumerate(order) if name in order[i + 1 :]]), "place")
    record = records[place]
    match data.draw(st.sampled_from(["change", "rewrite", "remove", "insert", "move"]), "tampering"):
        case "change":
            records[place] = changed(record, who="eve")
        case "rewrite":
            records[place] = rehashed(record, who="eve")
        case "remove":
            del records[place]
        case "insert":
            records.insert(place, rehashed(record, who="eve"))
        case "move":
            del records[place]
            records.append(record)
    found = verdict(records)
    assert [one.chain for one in found.broken] == [order[place]]


def test_heads_are_what_no_entry_refers_to() -> None:
    """An opening takes over the ends it names; what its writer had not seen stays a head."""
    one = [decode(record) for record in chain(ONE, 3)]
    opening = decode(chain(OTHER, 1, {"heads": {ONE: one[1].hash}})[0])
    heads = Heads()
    for each in (one[0], one[1], opening):
        heads.add(each)
    assert heads.named() == {OTHER: opening.hash}
    heads.add(one[2])
    assert heads.named() == {OTHER: opening.hash, ONE: one[2].hash}


def test_an_end_that_another_chain_refers_to_cannot_be_cut_off() -> None:
    """Nor can a whole chain be taken away."""
    one = chain(ONE, 3)
    other = chain(OTHER, 2, {"heads": {ONE: decode(one[2]).hash}})
    assert verdict([*one, *other]).sound
    for left in (one[:2], one[:1], []):
        found = verdict([*left, *other])
        assert [(broken.kind, broken.chain) for broken in found.broken] == [("removed", ONE)]


@pytest.mark.parametrize(
    "fields",
    [
        {"sequence": "1"},
        {"sequence": True},
        {"sequence": -1},
        {"who": None},
        {"action": "guessed"},
        {"detail": []},
        {"detail": {"heads": []}},
        {"more": 1},
    ],
)
def test_what_is_no_entry_is_told(fields: dict[str, object]) -> None:
    """Whatever its hash."""
    record = json.loads(chain(ONE, 1)[0]) | fields
    with pytest.raises(NotAnEntry):
        decode(canonical(record))


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_any_bytes_can_be_told_from_an_entry(content: bytes) -> None:
    """By one refusal and no other error."""
    with pytest.raises(NotAnEntry):
        decode(content)

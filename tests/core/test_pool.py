"""A file as a pool: what is read of it, and what is learned and picked."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from streamsel.adapters.label_file import BadFile, NoSuchColumn
from streamsel.codec import decode_query, encode_query, query_id_of
from streamsel.codec.layout import Layout
from streamsel.learning.spec import ModelSpec
from streamsel.pool.desk import queries
from streamsel.pool.output import originals, write
from streamsel.pool.picking import pick, steps
from streamsel.pool.table import Pool, load_pool
from streamsel.selection import StrategySettings

LAYOUT = Layout(redact=("y",))
SPEC = ModelSpec(("no", "yes"))


def pool_of(folder: Path, content: str, layout: Layout = LAYOUT, label: str | None = "y") -> Pool:
    (folder / "pool.csv").write_text(content)
    return load_pool(folder / "pool.csv", layout, label)


def two_classes(events: int, labelled: int) -> str:
    """Of two numbers, whose sum decides; the first rows are labelled."""
    draw = random.Random(1)
    lines = ["id,a,b,shop,y"]
    for row in range(events):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        answer = ("yes" if a + b > 0 else "no") if row < labelled else ""
        lines.append(f"e{row},{a:.3f},{b:.3f},{'nw'[row % 2]},{answer}")
    return "\n".join(lines) + "\n"


def test_labels_are_there_or_not(tmp_path: Path) -> None:
    """Empty and absent alike; the label is no feature, missing values are left out."""
    pool = pool_of(tmp_path, "id,b,a,y\n1,2,,true\n2,3,4,\n")
    assert (pool.ids, pool.numbers, pool.answers) == (("1", "2"), (2, 3), ["true", None])
    assert pool.events == [{"b": 2}, {"a": 4, "b": 3}]
    assert pool.labelled.tolist() == [True, False]
    (tmp_path / "pool.jsonl").write_text('{"id": 1, "a": 2}\n{"id": 2, "a": 3, "y": 0}\n')
    assert load_pool(tmp_path / "pool.jsonl", LAYOUT, "y").answers == [None, "0"]


def test_rows_without_an_id_that_say_the_same_are_one_event(tmp_path: Path) -> None:
    """By whatever file they come; a label of either is the event's."""
    pool = pool_of(tmp_path, "a,y\n1,\n2,\n1,yes\n")
    assert [event["a"] for event in pool.events] == [1, 2]
    assert pool.answers == ["yes", None]
    (tmp_path / "other.jsonl").write_text('{"a": 2}\n')
    assert load_pool(tmp_path / "other.jsonl", LAYOUT).ids == pool.ids[1:]


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("id,a,y\n", "there is no row to pick from"),
        ("id,a,y\n1,2,no\n1,3,\n", "row 3: column 'id' is '1' as in row 2; it must tell events apart"),
        ("id,a,y\n1,2,no\n2,1e200,\n", "row 3: feature 'a' is 1e\\+200; it must lie within"),
        ("id,a,y\n1,,no\n", "row 2: the event has no value for any feature"),
    ],
)
def test_a_bad_file_is_told_by_row(tmp_path: Path, content: str, mistake: str) -> None:
    """With the column and what was expected."""
    with pytest.raises(BadFile, match=mistake):
        pool_of(tmp_path, content)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The label, or one that was named to be there."""
    with pytest.raises(NoSuchColumn, match=r"no column 'yy' \(did you mean 'y'\?\)"):
        pool_of(tmp_path, "id,a,y\n1,2,no\n", label="yy")
    with pytest.raises(NoSuchColumn, match="no column 'shop'; it has id, a, y"):
        load_pool(tmp_path / "pool.csv", LAYOUT, "y", named=("a", None, "shop"))


@pytest.mark.parametrize(
    ("strategy", "preset"),
    [("hybrid", "logistic"), ("entropy", "logistic"), ("hybrid", "forest"), ("committee_kl", "forest")],
)
def test_picks_by_what_the_labels_taught(tmp_path: Path, strategy: str, preset: str) -> None:
    """Near the boundary between the classes, by a model that knows them; every step is told of."""
    pool = pool_of(tmp_path, two_classes(400, 100))
    done: list[int] = []
    picks = pick(pool, 20, StrategySettings(strategy), ModelSpec(("no", "yes"), preset), done.append)
    assert len(picks) == 20
    assert sum(done) == steps(pool, 20)
    assert all(set(one.probabilities) == {"no", "yes"} and one.lane == "uncertain" for one in picks)
    distances = np.array([abs(float(event["a"]) + float(event["b"])) for event in pool.events])  # type: ignore[arg-type]
    assert distances[[one.row for one in picks]].mean() < 0.85 * distances.mean()


@pytest.mark.parametrize("strategy", ["hybrid", "entropy", "committee_vote", "random"])
@pytest.mark.parametrize("answered", [0, 5])
def test_picks_before_two_classes_are_known(tmp_path: Path, strategy: str, answered: int) -> None:
    """Without a model, even for those who ask a committee."""
    content = two_classes(60, answered).replace(",no", ",yes")
    picks = pick(pool_of(tmp_path, content), 10, StrategySettings(strategy), None, lambda _: None)
    assert len({one.row for one in picks}) == 10
    assert all(one.row >= answered and one.probabilities == {} for one in picks)


def test_one_class_of_the_models_two_is_a_beginning(tmp_path: Path) -> None:
    """A model that has met one class only is not yet asked."""
    content = two_classes(60, 5).replace(",no", ",yes")
    picks = pick(pool_of(tmp_path, content), 10, StrategySettings(), SPEC, lambda _: None)
    assert all(one.probabilities == {} for one in picks)


def test_nothing_is_picked_where_all_is_labelled(tmp_path: Path) -> None:
    """And more than there are is all there are."""
    assert pick(pool_of(tmp_path, two_classes(30, 30)), 5, StrategySettings(), SPEC, lambda _: None) == []
    assert (
        len(pick(pool_of(tmp_path, two_classes(30, 10)), 50, StrategySettings(), SPEC, lambda _: None)) == 20
    )


def test_a_label_the_model_does_not_know_is_told_by_row(tmp_path: Path) -> None:
    """As with a model of the configuration's labels."""
    pool = pool_of(tmp_path, "id,a,y\n1,2,no\n2,3,maybe\n3,4,\n")
    with pytest.raises(BadFile, match="row 3: 'maybe' is not one of the labels no, yes"):
        pick(pool, 1, StrategySettings(), SPEC, lambda _: None)


@pytest.mark.parametrize("name", ["picked.csv", "picked.jsonl"])
def test_what_is_written_can_be_read_as_a_pool_again(tmp_path: Path, name: str) -> None:
    """Row for row as it stood, in the order picked; what is ours is left out with one word."""
    pool = pool_of(tmp_path, two_classes(60, 20))
    picks = pick(pool, 5, StrategySettings(), SPEC, lambda _: None)
    write(tmp_path / name, pool, picks, originals(pool, picks))
    again = load_pool(tmp_path / name, Layout(exclude=("streamsel",), redact=("y",)), "y")
    assert again.ids == tuple(pool.ids[one.row] for one in picks)
    assert again.events == [pool.events[one.row] for one in picks]
    whole = load_pool(tmp_path / name, LAYOUT, "y")
    assert [event["streamsel.utility"] for event in whole.events] == [one.utility for one in picks]


def test_a_query_is_as_a_selectors(tmp_path: Path) -> None:
    """By the id that follows from the event's; the reviewer sees everything but the label."""
    layout = Layout(exclude=("shop",), redact=("y",), segments=("shop",))
    pool = pool_of(tmp_path, two_classes(60, 20), layout)
    picks = pick(pool, 3, StrategySettings(), SPEC, lambda _: None)
    asked = queries(pool, picks, originals(pool, picks), 1_700_000_000.0)
    for one, query in zip(picks, asked, strict=True):
        assert query.query_id == query_id_of(pool.ids[one.row])
        assert (query.lane, query.propensity, query.model_version) == ("uncertain", 0.0, 0)
        assert set(query.features) == {"a", "b"}
        assert set(query.context) == {"shop"}
        assert query.segments == {"shop": query.context["shop"]}
        assert decode_query(encode_query(query)) == query

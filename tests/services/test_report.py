"""A dataset sheet and a model card from the logs, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import orjson
import pytest

from streamsel.adapters.embedded import EmbeddedValkey
from streamsel.adapters.redis_streams import RedisStreams
from streamsel.adapters.redis_streams_log import RedisKeptLog, RedisLabelLog
from streamsel.codec import encode_log_record
from streamsel.learning.spec import ModelSpec
from streamsel.records import Label, LogRecord, Opinion, Retraction
from streamsel.services.configurations import record
from streamsel.services.report.documents import dataset_sheet, model_card
from streamsel.services.report.mapping import MAPPING
from streamsel.services.report.reading import report
from streamsel.services.standing import OffsetNotThere
from tests.services.evidence_records import CONTENT, LABEL

OTHERWISE = ModelSpec(labels=("fine", "fraud"))
HOSTILE = "<b>|`x`[y](z)\n# w"


@dataclass
class Kept:
    """Both logs."""

    labels: RedisLabelLog
    configurations: RedisKeptLog
    now: float = LABEL.labelled_at - 1_000.0

    def time(self) -> float:
        """As a clock."""
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def write(self, records: Sequence[LogRecord]) -> None:
        await self.labels.append([encode_log_record(one) for one in records])

    async def configure(self, content: Any = CONTENT) -> str:
        return await record(self.configurations, self.labels, content, self)

    async def report(self, at: int | None = None) -> dict[str, Any]:
        return await report(self.labels, self.configurations, at, OTHERWISE, lambda _: lambda _: None)


@pytest.fixture
async def kept(valkey: EmbeddedValkey, prefix: str) -> AsyncIterator[Kept]:
    """Empty."""
    streams = RedisStreams(valkey.url, prefix)
    logs = Kept(RedisLabelLog(streams), RedisKeptLog(streams, streams.configurations))
    yield logs
    await logs.labels.close()
    await logs.configurations.close()


def seeds(count: int) -> list[LogRecord]:
    one = replace(
        LABEL,
        source="seed",
        labelled_by="seed",
        query_id=None,
        lane="none",
        propensity=0.0,
        probabilities={},
        segments={},
        seconds=None,
    )
    return [
        replace(one, label_id=f"s{number}", event_id=f"s{number}", label="fine" if number % 3 else "fraud")
        for number in range(count)
    ]


def answers(count: int, seed: int = 3, fraud: float = 0.05) -> list[LogRecord]:
    """A share is fraud; the model is right four times in five; what it doubts is asked about more."""
    draw = Random(seed)
    made: list[LogRecord] = []
    for number in range(count):
        truth = "fraud" if draw.random() < fraud else "fine"
        said = truth if draw.random() < 0.8 else ("fine" if truth == "fraud" else "fraud")
        explored = draw.random() < 0.3
        made.append(
            replace(
                LABEL,
                label_id=f"q{number}",
                query_id=f"q{number}",
                event_id=f"e{number}",
                label=truth,
                lane="explore" if explored else "uncertain",
                propensity=0.05 if explored else 0.25,
                probabilities={said: 0.75, "fine" if said == "fraud" else "fraud": 0.25},
                labelled_at=LABEL.labelled_at + number,
                labelled_by="ana" if number % 4 else "ben",
                segments={"country": "PT" if number % 10 else HOSTILE},
                features={"amount": float(number), HOSTILE: "x"} if number % 2 else {"amount": 1.0},
            )
        )
    return made


def resolved(content: Any, path: str) -> Any:
    for name in path.split("."):
        content = content[name]
    return content


async def test_what_the_set_is_and_how_it_came_about(kept: Kept) -> None:
    """Counts, seed set, lanes, oracles, rules and privacy, of what stands."""
    await kept.configure()
    await kept.write([*seeds(9), *answers(200), replace(LABEL, label_id="q0", revision=2, label="fraud")])
    await kept.write([Retraction("q1", 2, "undone", "ana", 1.0)])
    dataset = (await kept.report())["dataset"]
    assert dataset["composition"]["labels"] == 9 + 200 - 1
    assert dataset["collection"]["seed"]["labels"] == 9
    assert dataset["collection"]["seed"]["classes"]["fraud"] == {"labels": 3, "share": pytest.approx(1 / 3)}
    assert sum(one["labels"] for one in dataset["collection"]["lanes"].values()) == 199
    assert dataset["collection"]["propensity"] == {"known": 199, "smallest": 0.05, "largest": 0.25}
    assert dataset["collection"]["selection"]["strategy"] == "entropy"
    assert [one["name"] for one in dataset["collection"]["selection"]["rules"]] == ["large"]
    assert dataset["labelling"]["oracles"]["reviewers"] == 2
    assert dataset["labelling"]["oracles"]["sources"]["seed"]["labels"] == 9
    assert dataset["labelling"]["guidelines"]["versions"] == ["2026-11"]
    assert dataset["privacy"]["redacted"] == ["card"]
    assert dataset["maintenance"]["records"] == {"corrected label": 1, "label": 209, "retraction": 1}


async def test_quality_over_the_stream_is_told_beside_the_random_lane(kept: Kept) -> None:
    """Weighted by propensities, plain, and biased; by subgroup and by class, rare ones too."""
    await kept.configure()
    await kept.write(answers(2_000))
    model = (await kept.report())["model"]
    whole, explored = model["evaluation"]["whole_stream"], model["evaluation"]["random_lane"]
    for way in (whole, explored):
        low, high = way["accuracy"]["interval"]
        assert low < 0.8 < high
    assert explored["accuracy"]["effective"] == pytest.approx(explored["accuracy"]["labels"])
    assert whole["accuracy"]["effective"] < whole["accuracy"]["labels"] == 2_000
    assert model["by_class"]["fraud"]["estimated_share"] == pytest.approx(0.05, abs=0.025)
    assert model["by_class"]["fine"]["rare"] is False
    assert set(model["by_segment"]["country"]) == {"PT", HOSTILE}
    assert model["details"]["labels_learned"] == 2_000
    assert model["details"]["preset"] == "logistic"


async def test_the_same_offset_gives_the_same_bytes(kept: Kept) -> None:
    """Whatever has come since, records and configurations alike."""
    await kept.configure()
    await kept.write([*seeds(20), *answers(300)])
    before = await kept.report(at=250)
    whole = await kept.report()
    kept.now += 100_000.0
    await kept.configure({**CONTENT, "streamsel": "later"})
    await kept.write([replace(LABEL, label_id="q5", revision=7, label="fraud"), *answers(50, seed=9)])
    after = await kept.report(at=250)
    assert orjson.dumps(before) == orjson.dumps(after)
    assert dataset_sheet(before) == dataset_sheet(after)
    assert model_card(before) == model_card(after)
    assert orjson.dumps(await kept.report(at=320)) == orjson.dumps(whole)
    later = (await kept.report())["dataset"]["maintenance"]["configurations"]
    assert [one["labels_end"] for one in later] == [0, 320]


async def test_where_offsets_have_changed_times_tell_what_was_configured(kept: Kept) -> None:
    """As after an erasure, when the log is shorter than it was."""
    await kept.labels.append([b"{}"] * 40)
    await kept.configure()
    ((_, entry),) = await kept.configurations.read(0, 1, 1.0)
    await kept.configurations.append([entry.replace(b'"labels_end":40', b'"labels_end":4000')])
    await kept.write(answers(10))
    configured = (await kept.report())["dataset"]["maintenance"]["configurations"]
    assert [one["labels_end"] for one in configured] == [40, 4000]


async def test_every_field_of_the_map_is_in_the_report(kept: Kept) -> None:
    """And every part of the report is on the map."""
    await kept.configure()
    await kept.write([*seeds(5), *answers(30)])
    content = await kept.report()
    for one in MAPPING:
        resolved(content, one.field)
        assert one.ai_act
        assert one.nist
    mapped = {one.field for one in MAPPING}
    parts = {f"dataset.{name}" for name in content["dataset"]} | {
        f"model.{name}" for name in content["model"]
    }
    assert {part for part in parts if not any(one.startswith(part) for one in mapped)} == set()


async def test_gaps_are_told_from_the_figures(kept: Kept) -> None:
    """Few labels of a class and of a segment, missing features, no gold, no overlap."""
    await kept.configure()
    await kept.write([*answers(400, fraud=0.02), replace(LABEL, label_id="z", propensity=0.0)])
    gaps = " ".join((await kept.report())["gaps"])
    assert "Class “fraud” has" in gaps
    assert "Segment “country”: fewer than 50 labels" in gaps
    assert "Features missing in more than 5% of the labels" in gaps
    assert "0% of the labels that are no seeds have no propensity" in gaps
    assert "No question with a known answer was asked" in gaps
    assert "No query was answered by several" in gaps
    assert "Of the rare class “fraud”" in gaps
    assert "Always naming the most frequent class would be right more often" in gaps
    two = [Opinion("p", "p", "fine", name, 1.0, "overlap", slot, 2) for slot, name in ((1, "a"), (2, "b"))]
    await kept.write([*two, Opinion("g", "g", "fine", "a", 1.0, "gold", expected="fine")])
    gaps = " ".join((await kept.report())["gaps"])
    assert "known answer" not in gaps
    assert "answered by several" not in gaps


async def test_an_empty_log_has_a_report(kept: Kept) -> None:
    """With one gap; and one without a recorded configuration says so."""
    empty = await kept.report()
    assert (empty["at"], empty["gaps"]) == (0, ["There is no label."])
    assert dataset_sheet(empty)
    assert model_card(empty)
    await kept.write(answers(5))
    assert any("how events were selected is not known" in gap for gap in (await kept.report())["gaps"])


async def test_an_offset_beyond_the_end_is_refused(kept: Kept) -> None:
    """Told how far the log does reach."""
    with pytest.raises(OffsetNotThere, match="ends at offset 0"):
        await kept.report(at=1)


async def test_nothing_in_the_stream_marks_up_the_documents(kept: Kept) -> None:
    """Names and values of features, segments, labels and rules are text; reviewers are counted, not named."""
    hostile = {
        **CONTENT,
        "labels": {**CONTENT["labels"], "names": ["fine", HOSTILE]},
        "select": {**CONTENT["select"], "strategy": HOSTILE},
    }
    await kept.configure(hostile)
    made = answers(60)
    await kept.write(
        [
            replace(one, label=HOSTILE) if isinstance(one, Label) and number % 2 else one
            for number, one in enumerate(made)
        ]
    )
    content = await kept.report()
    for document in (dataset_sheet(content), model_card(content)):
        assert "<b>" not in document.replace("\\<b\\>", "")
        assert "](z)" not in document.replace("\\](z)", "")
        assert "\n# w" not in document
        assert "ana" not in document.split()
        rows = [line for line in document.splitlines() if line.startswith("|")]
        assert rows
    headings = [line for line in dataset_sheet(content).splitlines() if line.startswith("#")]
    assert headings[:3] == ["# Dataset sheet", "## Motivation", "## Composition"]

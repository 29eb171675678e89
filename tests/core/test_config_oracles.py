"""``[oracles]``: what cannot work is refused, and where its queues stand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streamsel.config import Config, ConfigurationError, load
from streamsel.wiring.desk import routing
from tests.contracts.review_queue.stores import query

LARGE = {"field": "amount", "op": ">", "value": 10}
MODEL: dict[str, Any] = {"base_url": "https://llm.example.com/v1", "model": "large"}
RULE: dict[str, Any] = {"where": LARGE, "label": "positive"}


def configured(**oracles: Any) -> Config:
    return Config.model_validate(
        {
            "stream": {"redact": ["card"]},
            "desk": {"queues": {"board": {}}, "overlap": {"share": 0.2}},
            "auth": {"keys": [{"name": "ann", "scope": "reviewer", "sha256": "ab" * 32}]},
            "oracles": oracles,
        }
    )


@pytest.mark.parametrize(
    ("oracles", "mistake"),
    [
        ({"models": {"a b": MODEL}}, "oracles.models.a b: a name must be letters, digits"),
        ({"models": {"ann": MODEL}}, "oracles.models.ann: the name is taken"),
        ({"models": {"board": MODEL}}, "oracles.models.board: the name is taken"),
        ({"models": {"outcomes": MODEL}}, "oracles.models.outcomes: the name is taken"),
        ({"models": {"one": MODEL}, "rules": {"one": RULE}}, "oracles.models.one: the name is taken"),
        ({"models": {"one": {**MODEL, "passes_to": "bord"}}}, "names no queue of people's 'bord'; did you"),
        ({"models": {"one": {**MODEL, "where": {**LARGE, "field": "card"}}}}, "field 'card' is in no query"),
        ({"models": {"one": {**MODEL, "base_url": "http://llm.example.com"}}}, "must be an https:// address"),
        ({"models": {"one": {**MODEL, "answer_seconds": 120}}}, "less than capacity.lease_seconds"),
        ({"models": {"one": {**MODEL, "money_per_day": 5}}}, "money_per_day needs a cost"),
        ({"rules": {"one": {**RULE, "label": "positiv"}}}, "'positiv' is no label; did you mean 'positive'"),
        ({"rules": {"one": {"label": "positive"}}}, "Field required"),
        ({"outcomes": {"cap": 1.5}}, "less than or equal to 1"),
        ({"outcomes": {"least": 0}}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_work_is_refused(oracles: dict[str, Any], mistake: str) -> None:
    """With what is wrong, and what was probably meant."""
    with pytest.raises(ValueError, match=mistake):
        configured(**oracles)


def test_no_key_is_shown_in_a_mistake(tmp_path: Path) -> None:
    """Neither of one that is none nor of a table that is no JSON."""
    file = tmp_path / "streamsel.toml"
    file.write_text('[oracles.models.gpt]\nbase_url = "https://a.example"\nmodel = "m"\napi_key = 77123\n')
    with pytest.raises(ConfigurationError) as refused:
        load(file, {})
    assert "api_key" in str(refused.value)
    assert "77123" not in str(refused.value)
    with pytest.raises(ConfigurationError) as refused:
        load(None, {"STREAMSEL_ORACLES__MODELS": '{"gpt": {"api_key": "77123"'})
    assert "77123" not in str(refused.value)


def test_oracles_take_their_queries_before_peoples_queues() -> None:
    """Rules before models; what they pass on waits in the queue named."""
    queues = routing(configured(rules={"tiny": RULE}, models={"gpt": {**MODEL, "passes_to": "board"}})).queues
    assert [(queue.name, queue.escalates_to, queue.tier) for queue in queues[:2]] == [
        ("tiny", "default", 100),
        ("gpt", "board", 100),
    ]


def test_no_query_that_is_evidence_goes_to_a_model_or_rule() -> None:
    """Neither one drawn at random nor one asked of several; the others do, as far as the condition holds."""
    routes = routing(configured(rules={"tiny": RULE}))
    placed = [routes.place(query(number)) for number in range(200)]
    assert {(one.queue, one.slots) for one in placed} == {("tiny", 1), ("default", 2)}
    assert {routes.place(query(number, lane="explore")).queue for number in range(200)} == {"default"}
    small = replace(query(1), features={"amount": 1.0})
    assert routes.place(small).queue == "default"

"""Rules, quotas, costs and budgets in the configuration: what is said, and every mistake in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streamsel.config import Config, ConfigurationError, load
from streamsel.config.select import STRATEGIES
from streamsel.selection.constraints import ConstraintSettings
from streamsel.selection.costs import Costs
from streamsel.selection.quotas import Quota
from streamsel.selection.rules import Combination, Comparison, Rule

STREAM = """
[stream]
features = ["amount", "customer.age", "merchant"]
segments = ["country"]
[labels]
names = ["genuine", "fraud"]
"""
WHOLE = (
    STREAM
    + """
[select]
strategy = "cost"
labels_per_hour = 60
money_per_day = 250.0
duplicates = 5
window = 1000

[[select.rules]]
name = "large payments"
ask = "always"
priority = 10
field = "amount"
op = ">="
value = 10_000

[[select.rules]]
name = "our own"
ask = "never"
any_of = [
    { field = "merchant", op = "in", value = ["ours", "our shop"] },
    { all_of = [
        { field = "country", op = "==", value = "DE" },
        { field = "customer.age", op = "absent" },
    ] },
]

[[select.quotas]]
name = "fair"
segment = "country"
least = 0.1
values = ["DE", "FR"]

[select.costs]
default = 0.5
label = { fraud = 3.0 }
segment.country = { DE = 2.0 }
oracle = { reviewer = 0.8 }
"""
)


def loaded(tmp_path: Path, toml: str, **environment: str) -> Config:
    """A file with this content, and these variables."""
    path = tmp_path / "streamsel.toml"
    path.write_text(toml, encoding="utf-8")
    return load(path, environment)


def mistakes(tmp_path: Path, toml: str, **environment: str) -> str:
    """What is said about them."""
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, toml, **environment)
    return str(refused.value)


def rule(content: str) -> str:
    """A file with one rule, but for its name and whether to ask."""
    return f"{STREAM}[[select.rules]]\nname = 'big'\nask = 'always'\n{content}"


def test_everything_at_once(tmp_path: Path) -> None:
    """Tables, nested conditions and all, become what the selection takes."""
    select = loaded(tmp_path, WHOLE).select
    assert (select.strategy, select.labels_per_hour, select.money_per_day) == ("cost", 60.0, 250.0)
    assert select.constraints() == ConstraintSettings(
        rules=(
            Rule("large payments", "always", Comparison("amount", ">=", 10_000), priority=10),
            Rule(
                "our own",
                "never",
                Combination(
                    "any",
                    (
                        Comparison("merchant", "in", ("ours", "our shop")),
                        Combination(
                            "all",
                            (Comparison("country", "==", "DE"), Comparison("customer.age", "absent")),
                        ),
                    ),
                ),
            ),
        ),
        quotas=(Quota("fair", "country", 0.1, ("DE", "FR")),),
        costs=Costs(0.5, {"reviewer": 0.8}, {"fraud": 3.0}, {"country": {"DE": 2.0}}),
        duplicates=5,
        window=1000,
    )


def test_by_environment_variables(tmp_path: Path) -> None:
    """Lists of tables and tables are JSON, and mean the same."""
    select = loaded(tmp_path, WHOLE).select.model_dump(mode="json")
    environment = {
        f"STREAMSEL_SELECT__{key.upper()}": json.dumps(select[key]) for key in ("rules", "quotas", "costs")
    }
    by_variables = loaded(tmp_path, STREAM, **environment).select
    assert by_variables.constraints().rules == loaded(tmp_path, WHOLE).select.constraints().rules
    assert by_variables.quotas == loaded(tmp_path, WHOLE).select.quotas
    assert by_variables.costs == loaded(tmp_path, WHOLE).select.costs


def test_by_default_only_duplicates_are_constrained() -> None:
    """A pattern is asked about three times a window; there are no other budgets than the share."""
    select = Config().select
    assert select.constraints() == ConstraintSettings(duplicates=3)
    assert (select.strategy, select.labels_per_hour, select.money_per_day) == ("hybrid", None, None)


@pytest.mark.parametrize("strategy", [*STRATEGIES, "package.module:object"])
def test_every_strategy_is_taken(tmp_path: Path, strategy: str) -> None:
    """Those there are, and one's own."""
    assert loaded(tmp_path, f"[select]\nstrategy = '{strategy}'").select.strategy == strategy


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("field = 'amount'\nop = '='\nvalue = 1", "select.rules.0: 'big': op: Input should be '==',"),
        ("field = 'amount'\nop = '='\nvalue = 1", "(it is '=')"),
        (
            "field = 'amount'\nop = '>'\nvalue = 1\nprioritty = 2",
            "'big': prioritty: unknown key; did you mean 'priority'?",
        ),
        ("field = 'amount'\nvalue = 1", "'big': 'amount' takes one of ==, !=, <, <=, >, >=, in, not in,"),
        ("field = 'amount'\nop = '>'", "'amount >' takes a number, a boolean or a text as value"),
        ("field = 'amount'\nop = 'in'\nvalue = 5", "'amount in' takes a list of values, not 5"),
        ("field = 'amount'\nop = '<'\nvalue = [5]", "takes a number, a boolean or a text as value, not [5]"),
        (
            "field = 'merchant'\nop = 'contains'\nvalue = 5",
            "'merchant contains' takes a text as value, not 5",
        ),
        ("field = 'amount'\nop = 'present'\nvalue = 5", "'amount present' takes no value, not 5"),
        (
            "field = 'amount'\nop = '<'\nvalue = nan",
            "'big': value: must be a finite number, a boolean, a text",
        ),
        ("field = 'amount'\nop = '<'\nvalue = 2026-01-01", "'big': value: must be a finite number,"),
        ("op = '<'\nvalue = 3", "'big': field is missing; it names what op and value are about"),
        ("", "'big': must have either field and op, or all_of, or any_of"),
        ("all_of = []", "'big': all_of: List should have at least 1 item"),
        (
            "field = 'amount'\nop = 'present'\nall_of = [{ field = 'amount', op = 'present' }]",
            "'big': must have either field and op, or all_of, or any_of",
        ),
        (
            "any_of = [{ field = 'amount', op = '>', vale = 5 }]",
            "'big': any_of.0.vale: unknown key; did you mean 'value'?",
        ),
        (
            "field = 'amuont'\nop = '>'\nvalue = 1",
            "select.rules: 'big': field 'amuont' is neither a feature nor a segment; did you mean 'amount'?",
        ),
        (
            "all_of = [{ any_of = [{ field = 'zzz', op = 'absent' }] }]",
            "'zzz' is neither a feature nor a segment; known are amount, customer.age, merchant, country",
        ),
        (
            "field = 'country'\nop = '=='\nvalue = 49",
            "select.rules: 'big': the segment 'country' is text; quote its value, not 49",
        ),
        (
            "field = 'predicted_class'\nop = 'in'\nvalue = ['froud']",
            "select.rules: 'big': value 'froud' is no label; did you mean 'fraud'?",
        ),
        (
            "field = 'amount'\nop = 'present'\npriority = 'high'",
            "'big': priority: Input should be a valid integer",
        ),
    ],
)
def test_mistakes_in_rules(tmp_path: Path, toml: str, said: str) -> None:
    """The rule, the key, its value, and what would be right."""
    assert said in mistakes(tmp_path, rule(toml))


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[[select.rules]]\nname = 'a'", "select.rules.0: 'a': ask: Field required"),
        (
            "[[select.rules]]\nask = 'never'\nfield = 'amount'\nop = 'absent'",
            "select.rules.0: name: Field required",
        ),
        ("[[select.rules]]\nname = 'quota:x'\nask = 'never'", "'quota:x': name: String should match pattern"),
        (
            "[[select.rules]]\nname = 'duplicate'\nask = 'never'\nfield = 'amount'\nop = 'absent'",
            "is what near-duplicates are named for; choose another (it is 'duplicate')",
        ),
        (
            "[[select.quotas]]\nname = 'a'\nsegment = 'county'\nleast = 0.1",
            "select.quotas: 'a': segment 'county' is no segment; did you mean 'country'?",
        ),
        (
            "[[select.quotas]]\nname = 'a'\nsegment = 'predicted_class'\nleast = 0.1\nvalues = ['spam']",
            "select.quotas: 'a': values 'spam' is no label; known are genuine, fraud",
        ),
        (
            "[[select.quotas]]\nname = 'a'\nsegment = 'country'\nleast = 0.6\nvalues = ['DE', 'FR']",
            "'a': values: 2 groups cannot each have 0.6 of the queries, only 0.5 (it is [",
        ),
        (
            "[[select.quotas]]\nname = 'a'\nsegment = 'country'\nleast = 0",
            "'a': least: Input should be greater than 0 (it is 0)",
        ),
        (
            "[[select.quotas]]\nname = 'a'\nsegment = 'country'\nleast = 0.1\nvalues = ['DE', 'DE']",
            "'a': values: must be distinct (it is ['DE', 'DE'])",
        ),
        (
            2 * "[[select.quotas]]\nname = 'a'\nsegment = 'country'\nleast = 0.1\n",
            "select.quotas: the name 'a' stands twice",
        ),
        ("[select.costs]\ndefalt = 2", "select.costs.defalt: unknown key; did you mean 'default'?"),
        ("[select.costs]\ndefault = 0", "select.costs.default: Input should be greater than 0 (it is 0)"),
        (
            "[select.costs]\nlabel = { froud = 2 }",
            "select.costs.label 'froud' is no label; did you mean 'fraud'?",
        ),
        ("[select.costs.segment]\ncity = { Bonn = 2 }", "select.costs.segment 'city' is no segment"),
        (
            "[select.costs.segment]\ncountry = { DE = -1 }",
            "select.costs.segment.country.DE: Input should be greater",
        ),
        ("[select]\nlabels_per_hour = 0", "select.labels_per_hour: Input should be greater than 0 (it is 0)"),
        ("[select]\nmoney_per_day = inf", "select.money_per_day: Input should be a finite number"),
        ("[select]\nduplicates = -1", "select.duplicates: Input should be greater than or equal to 0"),
        (
            "[select]\nstrategy = 'entrpy'",
            "must be the name of a strategy or package.module:object; did you mean 'entropy'?",
        ),
        ("[select]\nstrategy = 'module:'", "package.module:object; "),
        ("[model]\npreset = 'portfoli'", "'portfolio' or 'text' (it is 'portfoli')"),
    ],
)
def test_mistakes_elsewhere(tmp_path: Path, toml: str, said: str) -> None:
    """The table, the key, its value, and what would be right."""
    assert said in mistakes(tmp_path, STREAM + toml)


def test_mistakes_in_variables(tmp_path: Path) -> None:
    """Named like those in a file; what is no JSON by the variable."""
    assert "STREAMSEL_SELECT__COSTS: 'cheap' is not JSON" in mistakes(
        tmp_path, STREAM, STREAMSEL_SELECT__COSTS="cheap"
    )
    wrong = json.dumps([{"name": "big", "ask": "maybe", "field": "amount", "op": "present"}])
    assert "select.rules.0: 'big': ask: Input should be 'always' or 'never' (it is 'maybe')" in mistakes(
        tmp_path, STREAM, STREAMSEL_SELECT__RULES=wrong
    )


@pytest.mark.parametrize("field", ["note", "note.text", "id", "card"])
def test_a_field_that_is_kept_from_the_model_is_none_of_a_rule(tmp_path: Path, field: str) -> None:
    """Even where every other field is a feature; as a segment it may be looked at."""
    stream = "[stream]\nexclude = ['note']\nredact = ['card']\nsegments = [{}]\n"
    table = f"[[select.rules]]\nname = 'x'\nask = 'never'\nfield = '{field}'\nop = 'present'"
    assert f"field '{field}' is neither a feature nor a segment" in mistakes(
        tmp_path, stream.format("") + table
    )
    if field.startswith("note"):
        assert loaded(tmp_path, stream.format(f"'{field}'") + table).select.rules[0].field == field


def test_any_other_field_may_be_a_feature(tmp_path: Path) -> None:
    """Where all fields are features, only events tell which there are."""
    table = "[[select.rules]]\nname = 'x'\nask = 'never'\nfield = 'what.ever'\nop = 'present'"
    assert loaded(tmp_path, table).select.rules[0].field == "what.ever"

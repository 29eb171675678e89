"""The commands on real servers and beside a running service; and what holds for the program as a whole."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from loadtest.outside.calling import calling
from loadtest.outside.command_line import streamsel
from loadtest.outside.service_process import Services, auth, toml
from loadtest.outside.streams import RedisStreams
from loadtest.outside.transactions import FRAUD, LABELS, LEGIT, transaction
from loadtest.outside.waiting import until
from streamsel.adapters.embedded import EmbeddedValkey

ROWS = 30
MAPPED = ("--label", "fraud", "--map", f"0={LEGIT}", "--map", f"1={FRAUD}")


def labelled(rows: int = ROWS) -> list[dict[str, Any]]:
    """Transactions with their outcome in a column ``fraud`` of 0 and 1."""
    events = [json.loads(transaction(number)) for number in range(rows)]
    return [event | {"fraud": int(event["risk"] > 0.5)} for event in events]


def written(directory: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """The rows as a file of the kind its name says."""
    text = io.StringIO(newline="")
    if ".csv" in name:
        table = csv.DictWriter(text, list(rows[0]))
        table.writeheader()
        for row in rows:
            # JSON's words for true and false.
            table.writerow({key: json.dumps(v) if isinstance(v, bool) else v for key, v in row.items()})
    else:
        text.write("".join(json.dumps(row) + "\n" for row in rows))
    content = text.getvalue().encode()
    path = directory / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def configured(directory: Path, valkey: EmbeddedValkey, prefix: str) -> RedisStreams:
    """A configuration for logs of one test's own."""
    (directory / "streamsel.toml").write_text(
        toml({"redis": {"url": valkey.url, "prefix": prefix}, "labels": LABELS})
    )
    return RedisStreams(valkey.url, prefix, session_seconds=6.0)


async def test_every_kind_of_file_seeds_the_same_labels(
    tmp_path: Path, valkey: EmbeddedValkey, prefix: str
) -> None:
    """.csv and .jsonl, plain or gzipped, in order; in a pipe nothing but the summary is printed."""
    streams = configured(tmp_path, valkey, prefix)
    for times, name in enumerate(("a.csv", "a.jsonl", "a.csv.gz", "a.jsonl.gz"), start=1):
        path = written(tmp_path, name, labelled())
        ran = await streamsel("seed", str(path), *MAPPED, "--json", directory=tmp_path)
        assert (ran.status, ran.stderr) == (0, "")
        assert ran.json == {"labels": ROWS, "model_version": ROWS * times}
    keys = ("label_id", "event_id", "label", "source", "features")
    log = [{key: record.content[key] for key in keys} for record in await streams.records("labels")]
    first = log[:ROWS]
    assert log == first * 4
    assert [one["label"] for one in first] == [FRAUD if row["fraud"] else LEGIT for row in labelled()]
    assert {one["source"] for one in first} == {"seed"}
    assert "fraud" not in first[0]["features"]


async def test_a_file_seeded_twice_beside_a_running_service_changes_the_model_once(
    services: Services, tmp_path: Path
) -> None:
    """On the embedded store, which the command shares with the service; the service learns at once."""
    secrets: dict[str, str] = {}
    service = services.start(services.configured({"labels": LABELS, "auth": auth(secrets, root="admin")}))
    path = written(tmp_path, "history.csv", labelled())
    async with calling(await service.ready(), secrets["root"]) as root:
        for times in (1, 2):
            ran = await streamsel("seed", str(path), *MAPPED, directory=tmp_path)
            assert ran.status == 0
            assert f"{ROWS} labels" in ran.stdout

            async def at_the_end(version: int = ROWS * times) -> bool:
                return bool((await root.model())["version"] == version)

            await until(at_the_end, what="the file learned")
            assert (await root.model())["labels_learned"] == ROWS
        legit = sum(row["fraud"] == 0 for row in labelled())
        assert await root.metric('streamsel_labels_total{label="legit",source="seed"}') == legit
    assert (await service.end())[0] == 0


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [("1:fraud", "'1:fraud' is not VALUE=LABEL"), ("1=fine", "'fine' in '1=fine' is none of the labels")],
)
async def test_a_wrong_mapping_is_bad_usage(
    tmp_path: Path, valkey: EmbeddedValkey, prefix: str, mapping: str, complaint: str
) -> None:
    """Status 2, with what was given; nothing is written."""
    streams = configured(tmp_path, valkey, prefix)
    written(tmp_path, "history.jsonl", labelled(1))
    words = ("history.jsonl", "--label", "fraud", "--map", mapping)
    ran = await streamsel("seed", *words, directory=tmp_path)
    assert ran.status == 2
    assert complaint in " ".join(ran.stderr.split())
    assert await streams.count("labels") == 0


async def test_the_lines_printed_with_a_key_make_it_work(services: Services, tmp_path: Path) -> None:
    """Put into the file as they are, they let the bearer of the secret in; the secret is not among them."""
    made = await streamsel("config", "key", "--name", "alice", "--scope", "reviewer", directory=tmp_path)
    shown, heading, entry = made.stdout.partition("[[auth.keys]]")
    (secret,) = re.findall(r"ssk_\S+", shown)
    assert secret not in entry
    configuration = services.configured({})
    configuration.write_text(configuration.read_text() + heading + entry)
    async with calling(await services.start(configuration, "desk").ready(), secret) as alice:
        assert (await alice.queue())["backlog"] == 0


@pytest.mark.parametrize("group", [(), ("config",)])
async def test_help_of_a_group_shows_an_example(tmp_path: Path, group: tuple[str, ...]) -> None:
    """One that can be copied."""
    ran = await streamsel(*group, "--help", directory=tmp_path)
    assert ran.status == 0
    assert " ".join(("Example: streamsel", *group)) in ran.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("sede", "history.csv"), "No such command 'sede'"),
        (("seed", "nowhere.csv", "--label", "fraud"), "'nowhere.csv' does not exist"),
        (("demo", "--events", "none"), "'--events': Input should be a valid integer"),
    ],
)
async def test_bad_usage_is_status_2(tmp_path: Path, words: tuple[str, ...], complaint: str) -> None:
    """With what was wrong, and nothing on stdout."""
    ran = await streamsel(*words, directory=tmp_path)
    assert (ran.status, ran.stdout) == (2, "")
    assert complaint in ran.stderr
    assert "Traceback" not in ran.stderr


async def test_version(tmp_path: Path) -> None:
    """By name and number."""
    ran = await streamsel("--version", directory=tmp_path)
    assert ran.status == 0
    assert re.fullmatch(r"streamsel \d+\.\d+\.\d+\n", ran.stdout)

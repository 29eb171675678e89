"""The Grafana dashboards and their provisioning."""

from __future__ import annotations

import itertools
from pathlib import Path

import yaml

from deploy.grafana.source.every import UNUSED, built
from tests.deploy.dashboards import asked, pages
from tests.deploy.promql import names_in, series_of_the_program, unknown_names


def test_the_committed_files_are_what_the_source_makes(deploy: Path) -> None:
    """Byte for byte; ``make dashboards`` writes them anew."""
    committed = {path.name: path.read_text() for path in deploy.glob("grafana/dashboards/*")}
    assert committed == built()


def test_panels_ask_only_for_what_is_exported(deploy: Path) -> None:
    """A panel over a name that does not exist would stay empty."""
    unknown = {one: unknown_names(one.filled("1m")) for one in asked(deploy)}
    assert {one: names for one, names in unknown.items() if names} == {}


def test_every_metric_is_shown_or_named_as_unused(deploy: Path) -> None:
    """What is measured and never looked at is a cost, or somebody forgot to show it."""
    shown = {name for one in asked(deploy) for name in names_in(one.filled("1m"))}
    unseen = {metric for metric, series in series_of_the_program().items() if not shown & series}
    assert unseen == set(UNUSED)


def test_panels_do_not_overlap_and_have_ids_of_their_own(deploy: Path) -> None:
    """Grafana would move or drop them."""
    for page in pages(deploy).values():
        panels = page["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        places = [panel["gridPos"] for panel in panels]
        assert all(place["x"] + place["w"] <= 24 for place in places)
        overlapping = [pair for pair in itertools.combinations(places, 2) if _overlap(*pair)]
        assert overlapping == []


def test_every_panel_says_what_it_shows(deploy: Path) -> None:
    """To somebody who never met us."""
    panels = [panel for page in pages(deploy).values() for panel in page["panels"] if panel["type"] != "row"]
    assert panels
    assert [panel["title"] for panel in panels if not panel["description"]] == []


def test_every_panel_draws_from_the_provisioned_data_source(deploy: Path) -> None:
    """The dashboards' variable starts at the source that provisioning creates."""
    provisioned = yaml.safe_load((deploy / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    (source,) = provisioned["datasources"]
    for page in pages(deploy).values():
        variables = {variable["name"]: variable for variable in page["templating"]["list"]}
        assert variables["datasource"]["current"]["value"] == source["uid"]
        assert variables["datasource"]["query"] == source["type"]
        panels = [panel for panel in page["panels"] if panel["type"] != "row"]
        places = [place for panel in panels for place in (panel, *panel["targets"])]
        assert {place["datasource"]["uid"] for place in places} == {"${datasource}"}


def test_provisioning_reads_the_folder_that_compose_mounts(deploy: Path) -> None:
    """And the data source is the Prometheus of the compose file."""
    services = yaml.safe_load((deploy / "compose.yaml").read_text())["services"]
    mounted = {mount.split(":")[1]: mount.split(":")[0] for mount in services["grafana"]["volumes"]}
    (provider,) = yaml.safe_load((deploy / "grafana/provisioning/dashboards/streamsel.yaml").read_text())[
        "providers"
    ]
    assert provider["type"] == "file"
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    (source,) = yaml.safe_load((deploy / "grafana/provisioning/datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in services


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )

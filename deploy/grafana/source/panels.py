"""What all dashboards are made of: panels over Prometheus, in rows.

The desk's gauges are the same from every process that reports them, and every selector folds every label:
``max``, not ``sum``. Events, queries, calls and dead letters are each process's own: ``sum``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DynamicConfigValue,
    Panel,
    Threshold,
    ThresholdsMode,
    VariableOption,
)

PANELS_A_ROW = 3
_WIDTH = 24
_SOURCE = DataSourceRef("prometheus", "${datasource}")
_TAG = "streamsel"

Queries = Mapping[str, str]
"""PromQL by legend."""


def rare(expression: str) -> str:
    """Of a counter that has a series only once something went wrong: 0 until then."""
    return f"{expression} or vector(0)"


def lines(
    title: str, description: str, queries: Queries, *, unit: str = "short", interval: bool = False
) -> timeseries.Panel:
    """Courses over time. ``interval``: the last two are the bounds of the first, shown as a band."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .unit(unit)
        .axis_soft_min(0.0)
        .fill_opacity(8)
        .height(8)
        .span(_WIDTH // PANELS_A_ROW)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for number, (legend, expression) in enumerate(queries.items()):
        panel = panel.with_target(_query(expression, legend, number))
    if interval:
        _, low, high = queries
        faint = DynamicConfigValue("custom.lineWidth", 0)
        panel = panel.override_by_name(low, [faint])
        panel = panel.override_by_name(high, [faint, DynamicConfigValue("custom.fillBelowTo", low)])
    return panel


def number(
    title: str, description: str, expression: str, *, unit: str = "short", bad_from: float | None = None
) -> stat.Panel:
    """The value as of now, red from ``bad_from`` on."""
    steps = [Threshold(None, "green")]
    if bad_from is not None:
        steps.append(Threshold(bad_from, "red"))
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(_SOURCE)
        .unit(unit)
        .height(4)
        .span(_WIDTH // 6)
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .with_target(_query(expression, title, 0))
    )


def page(name: str, title: str, rows: Mapping[str, Sequence[Builder[Panel]]], **variables: str) -> Dashboard:
    """A dashboard; ``variables`` are text boxes with their defaults."""
    builder = (
        dashboard.Dashboard(f"streamsel · {title}")
        .uid(f"streamsel-{name}")
        .tags([_TAG])
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("streamsel")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([_TAG])
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .type("prometheus")
            .current(VariableOption(text="Prometheus", value="prometheus"))
        )
    )
    for variable, default in variables.items():
        builder = builder.with_variable(
            dashboard.TextBoxVariable(variable)
            .label(variable.capitalize())
            .default_value(default)
            .current(VariableOption(text=default, value=default))
        )
    for row, panels in rows.items():
        builder = builder.with_row(dashboard.Row(row))
        for panel in panels:
            builder = builder.with_panel(panel)
    return _numbered(builder.build())


def _query(expression: str, legend: str, number: int) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(expression)
        .legend_format(legend)
        .ref_id(chr(ord("A") + number))
        .datasource(_SOURCE)
    )


def _numbered(made: Dashboard) -> Dashboard:
    panels: list[Any] = made.panels or []
    for number, panel in enumerate(panels, start=1):
        panel.id_val = number
    return made

"""The selectors: how fast events are decided, where the time goes, and what was set aside."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.source import panels
from deploy.grafana.source.panels import lines, rare

_SELECTORS = 'job=~".*selector"'


def page() -> Dashboard:
    """The dashboard."""
    return panels.page(
        "selector",
        "selectors",
        {
            "Throughput": [
                lines(
                    "Events decided a second",
                    "By process.",
                    {
                        "all": "sum(rate(streamsel_events_total[$__rate_interval]))",
                        "{{instance}}": "sum by (instance) "
                        f"(rate(streamsel_events_total{{{_SELECTORS}}}[$__rate_interval]))",
                    },
                    unit="eps",
                ),
                lines(
                    "Events waiting",
                    "In the partitions that a selector owns.",
                    {"{{instance}}": f"streamsel_consumer_lag{{{_SELECTORS}}}"},
                ),
                lines(
                    "Events in a micro-batch",
                    "Few while there is little to do.",
                    {
                        "mean": "sum(rate(streamsel_batch_events_sum[$__rate_interval])) / "
                        "sum(rate(streamsel_batch_events_count[$__rate_interval]))",
                    },
                ),
            ],
            "Time": [
                lines(
                    "Stages of a micro-batch, p95",
                    "From reading to committing; learn is of the label log's records, fit of each refit.",
                    {
                        "{{stage}}": "histogram_quantile(0.95, sum by (stage, le) "
                        "(rate(streamsel_stage_seconds_bucket[$__rate_interval])))"
                    },
                    unit="s",
                ),
                lines(
                    "Share of a core by stage",
                    "Time in each stage, a second.",
                    {"{{stage}}": "sum by (stage) (rate(streamsel_stage_seconds_sum[$__rate_interval]))"},
                    unit="percentunit",
                ),
                lines(
                    "Clients replaced",
                    "Nothing moved though something waited: by topic, or selector for the whole membership.",
                    {"{{part}}": rare("sum by (part) (increase(streamsel_watchdog_restarts_total[10m]))")},
                ),
            ],
            "What is asked about": [
                lines(
                    "Queries a minute",
                    "By lane: why an event was asked about.",
                    {"{{lane}}": "60 * sum by (lane) (rate(streamsel_queries_total[$__rate_interval]))"},
                ),
                lines(
                    "Threshold",
                    "The utility above which an event is asked about.",
                    {"{{instance}}": f"streamsel_gate_threshold{{{_SELECTORS}}}"},
                ),
                lines(
                    "Rules and quotas a minute",
                    "Events about which one had a say.",
                    {"{{rule}}": rare("60 * sum by (rule) (rate(streamsel_rules_total[$__rate_interval]))")},
                ),
            ],
            "Trouble": [
                lines(
                    "Dead letters a minute",
                    "By reason; the records are in the topic dead-letters.",
                    {
                        "{{reason}}": rare(
                            "60 * sum by (reason) (rate(streamsel_dead_letters_total[$__rate_interval]))"
                        )
                    },
                ),
                lines(
                    "Desk out of reach",
                    "Selectors that pause the stream or shed queries.",
                    {"{{mode}}": "sum by (mode) (streamsel_desk_outage)"},
                ),
                lines(
                    "Queries shed a minute",
                    "Not offered because the desk was out of reach.",
                    {"shed": "60 * sum(rate(streamsel_shed_queries_total[$__rate_interval]))"},
                ),
            ],
        },
    )

"""The desk and its reviewers: who answers, how fast, and what calls come to."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.source import panels
from deploy.grafana.source.panels import lines, rare


def page() -> Dashboard:
    """The dashboard."""
    return panels.page(
        "desk",
        "desk and reviewers",
        {
            "Reviewers": [
                lines(
                    "At work",
                    "Reviewers who claimed or answered lately.",
                    {"reviewers": "max(streamsel_live_reviewers)"},
                ),
                lines(
                    "From claim to answer",
                    "By the reviewers, over ten minutes.",
                    {
                        name: f"histogram_quantile({share}, sum by (le) "
                        "(rate(streamsel_review_seconds_bucket[10m])))"
                        for name, share in (("median", 0.5), ("p95", 0.95))
                    },
                    unit="s",
                ),
                lines(
                    "Queries without an answer",
                    "Expired unclaimed, and given up after too many lapsed leases; since the desk began.",
                    {
                        "expired": "max(streamsel_queries_expired)",
                        "given up": "max(streamsel_queries_dead)",
                    },
                ),
            ],
            "Calls": [
                lines(
                    "Calls a second",
                    "By status.",
                    {"{{status}}": "sum by (status) (rate(streamsel_calls_total[$__rate_interval]))"},
                    unit="reqps",
                ),
                lines(
                    "Problems a minute",
                    "By kind; what each means is in its answer.",
                    {
                        "{{problem}}": rare(
                            "60 * sum by (problem) "
                            '(rate(streamsel_calls_total{problem!="none"}[$__rate_interval]))'
                        )
                    },
                ),
                lines(
                    "Error budget burnt",
                    "How many times as fast as 99.9 % of calls allow; 1 uses the budget up in 30 days.",
                    {
                        "1 h": "streamsel:calls_failed:ratio_rate1h / 0.001",
                        "6 h": "streamsel:calls_failed:ratio_rate6h / 0.001",
                    },
                ),
            ],
            "Other oracles and listeners": [
                lines(
                    "Oracles' answers a minute",
                    "What came of them.",
                    {
                        "{{oracle}} {{outcome}}": rare(
                            "60 * sum by (oracle, outcome) (rate(streamsel_oracle_answers_total[10m]))"
                        )
                    },
                ),
                lines(
                    "Agreement with people",
                    "Share of checked answers; cut off once surely below the oracle's floor.",
                    {
                        "{{oracle}}": "max by (oracle) (streamsel_oracle_agreement)",
                        "{{oracle}} cut off": "max by (oracle) (streamsel_oracle_cut_off)",
                    },
                    unit="percentunit",
                ),
                lines(
                    "Webhooks a minute",
                    "Delivered, given up, and failed attempts.",
                    {"{{outcome}}": rare("60 * sum by (outcome) (rate(streamsel_webhooks_total[10m]))")},
                ),
            ],
        },
    )

"""Whether reviewers and stream keep up, at a glance."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.source import panels
from deploy.grafana.source.panels import lines, number

EVENTS = "sum(rate(streamsel_events_total[$__rate_interval]))"
ASKED = f"sum(rate(streamsel_queries_total[$__rate_interval])) / {EVENTS}"
BACKLOG = "sum(max by (lane) (streamsel_review_backlog))"
OLDEST = "max(streamsel_review_oldest_seconds)"
LABELS = "3600 * max by (source) (sum by (instance, source) (rate(streamsel_labels_total[10m])))"


def quality(bound: str) -> str:
    """Accuracy over all events of the last hour."""
    return f'max(streamsel_live_quality{{measure="accuracy",window="hour",bound="{bound}"}})'


def page() -> Dashboard:
    """The dashboard."""
    return panels.page(
        "overview",
        "overview",
        {
            "Now": [
                number("Events decided a second", "By all selectors.", EVENTS, unit="eps"),
                number("Share asked about", "Of the events, just now.", ASKED, unit="percentunit"),
                number("Waiting for reviewers", "Or in their hands.", BACKLOG),
                number("Oldest query", "Since it was decided.", OLDEST, unit="s", bad_from=600),
                number("Labels an hour", "Of all sources.", f"sum({LABELS})"),
                number(
                    "Right predictions",
                    "Estimated over all events of the last hour, not only those labelled.",
                    quality("value"),
                    unit="percentunit",
                ),
            ],
            "Stream and reviewers": [
                lines(
                    "Query rate against budget",
                    "What was asked about, what reviewers can bear just now, and the most there may be: set "
                    "Budget above to your select.budget.",
                    {
                        "asked about": ASKED,
                        "reviewers can bear": "max(streamsel_query_fraction)",
                        "budget": "vector($budget)",
                    },
                    unit="percentunit",
                ),
                lines(
                    "Backlog against target",
                    "At twice the target nothing but the share to explore enters.",
                    {
                        "{{lane}}": "max by (lane) (streamsel_review_backlog)",
                        "target": "max(streamsel_review_backlog_target)",
                        "cap": "2 * max(streamsel_review_backlog_target)",
                    },
                ),
                lines(
                    "Oldest query",
                    "An unclaimed query expires after capacity.expire_seconds.",
                    {"oldest": OLDEST},
                    unit="s",
                ),
            ],
            "Labels and what they bring": [
                lines("Labels an hour", "By who gave them.", {"{{source}}": LABELS}),
                lines(
                    "Right predictions, last hour",
                    "Over all events, with the 95 % interval.",
                    {"accuracy": quality("value"), "low": quality("low"), "high": quality("high")},
                    unit="percentunit",
                    interval=True,
                ),
                lines(
                    "Drift",
                    "Population stability index; from 0.25 on it is a major shift. The five largest.",
                    {
                        "{{kind}} {{feature}} {{segment}}": "topk(5, max by (kind, feature, segment) "
                        "(streamsel_drift))",
                        "major": "vector(0.25)",
                    },
                ),
            ],
        },
        budget="0.05",
    )

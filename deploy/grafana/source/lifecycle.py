"""The model's life: what it has learned, how good it is, what challenges it, whether all agree."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.source import panels
from deploy.grafana.source.panels import lines, rare

_SELECTORS = 'job=~".*selector"'


def page() -> Dashboard:
    """The dashboard."""
    return panels.page(
        "lifecycle",
        "the model's life",
        {
            "Learning": [
                lines(
                    "Model version",
                    "The offset in the label log that each selector's model stands at. An erasure begins "
                    "a new epoch, and offsets anew.",
                    {
                        "{{instance}}": f"streamsel_model_version{{{_SELECTORS}}}",
                        "epoch": "max(streamsel_label_log_epoch)",
                    },
                ),
                lines(
                    "Labels not yet learned",
                    "Records of the label log before which the model stands.",
                    {"{{instance}}": f"streamsel_fold_lag{{{_SELECTORS}}}"},
                ),
                lines(
                    "Labels an hour, by label",
                    "As learned.",
                    {
                        "{{label}}": "3600 * max by (label) "
                        "(sum by (instance, label) (rate(streamsel_labels_total[10m])))"
                    },
                ),
            ],
            "Quality over all events": [
                lines(
                    "Measures",
                    "Estimated over all events of the last day, labelled or not.",
                    {"{{measure}}": 'max by (measure) (streamsel_live_quality{window="day",bound="value"})'},
                ),
                lines(
                    "Evidence",
                    "Events of the last hour that were asked about and that were answered.",
                    {
                        "asked": 'max(streamsel_live_asked{window="hour"})',
                        "answered": 'max(streamsel_live_answered{window="hour"})',
                    },
                ),
                lines(
                    "Labels have stopped to pay",
                    "1 while only exploration is asked about, by the rule in [select.plateau].",
                    {"resting": "max(streamsel_plateau)"},
                ),
            ],
            "Change": [
                lines(
                    "Drift of inputs and predictions",
                    "Population stability index; from 0.25 on it is a major shift.",
                    {"{{kind}} {{feature}} {{segment}}": "max by (kind, feature, segment) (streamsel_drift)"},
                ),
                lines(
                    "Changes found in a day",
                    "Of inputs, predictions or errors, in the stream as a whole or in a segment.",
                    {
                        "{{kind}}": rare(
                            "count by (kind) (max by (kind, segment) "
                            "(streamsel_drift_found_timestamp_seconds) > time() - 86400)"
                        )
                    },
                ),
                lines(
                    "Learning went wrong",
                    "Labels the estimator failed to learn, and events it failed to score, a minute.",
                    {"errors": "60 * sum(rate(streamsel_model_errors_total[10m]))"},
                ),
            ],
            "Challengers": [
                lines(
                    "Explored labels compared",
                    "By challenge.",
                    {"{{challenge}}": "max by (challenge) (streamsel_challenger_labels)"},
                ),
                lines(
                    "Better by",
                    "Share of right answers, or nats; below 0 it is worse.",
                    {"{{challenge}}": "max by (challenge) (streamsel_challenger_gain)"},
                ),
                lines(
                    "Evidence that it is better",
                    "Promoted at 1 / error_rate: 20 at the default.",
                    {"{{challenge}}": "max by (challenge) (streamsel_challenger_wealth)"},
                ),
            ],
            "Replicas and snapshots": [
                lines(
                    "Replicas that disagree",
                    "Now, and how often in ten minutes.",
                    {
                        "now": "max(streamsel_replicas_disagreeing)",
                        "found": "sum(increase(streamsel_replica_disagreements_total[10m]))",
                    },
                ),
                lines(
                    "Snapshots an hour",
                    "Written, and those that could not be.",
                    {
                        "written": "3600 * sum(rate(streamsel_snapshots_written_total[1h]))",
                        "failed": "3600 * sum(rate(streamsel_snapshots_failed_total[1h]))",
                    },
                ),
                lines(
                    "Snapshots refused",
                    "By reason, in a day: the log is then folded from an older one.",
                    {"{{reason}}": rare("sum by (reason) (increase(streamsel_snapshots_refused_total[1d]))")},
                ),
            ],
        },
    )

"""Prometheus metrics, under fixed names. Observed once a micro-batch or once a call, never once an event."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

STAGES = ("decode", "score", "gate", "send", "offer", "commit", "learn", "fit")
"""What ``streamsel_stage_seconds`` tells apart."""

_STAGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """All metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.events = Counter("streamsel_events", "Events decided.", registry=r)
        self.queries = Counter("streamsel_queries", "Events asked about.", ["lane"], registry=r)
        self.rules = Counter(
            "streamsel_rules", "Events that a rule or quota had a say about.", ["rule"], registry=r
        )
        self.labels = Counter("streamsel_labels", "Labels learned.", ["source", "label"], registry=r)
        self.dead_letters = Counter(
            "streamsel_dead_letters", "Records set aside as unprocessable.", ["reason"], registry=r
        )
        self.review_backlog = Gauge(
            "streamsel_review_backlog", "Queries waiting or in a reviewer's hands.", ["lane"], registry=r
        )
        self.review_oldest_seconds = Gauge(
            "streamsel_review_oldest_seconds", "Age of the oldest waiting query.", registry=r
        )
        self.review_backlog_target = Gauge(
            "streamsel_review_backlog_target", "The backlog the capacity control steers to.", registry=r
        )
        self.live_reviewers = Gauge(
            "streamsel_live_reviewers", "Reviewers who claimed or answered lately.", registry=r
        )
        self.review_seconds = Histogram(
            "streamsel_review_seconds",
            "From claim to answer.",
            buckets=(0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600),
            registry=r,
        )
        self.queries_expired = Gauge(
            "streamsel_queries_expired", "Queries that expired unclaimed, over the desk's life.", registry=r
        )
        self.queries_dead = Gauge(
            "streamsel_queries_dead", "Queries given up after too many lapsed leases.", registry=r
        )
        self.query_fraction = Gauge(
            "streamsel_query_fraction", "Share of events being asked about.", registry=r
        )
        self.gate_threshold = Gauge(
            "streamsel_gate_threshold", "Utility above which an event is asked about.", registry=r
        )
        self.model_version = Gauge(
            "streamsel_model_version", "Label-log offset the serving model stands at.", registry=r
        )
        self.label_log_epoch = Gauge(
            "streamsel_label_log_epoch", "One more with every erasure; versions then begin anew.", registry=r
        )
        self.fold_lag = Gauge(
            "streamsel_fold_lag", "Label-log records not yet in the serving model.", registry=r
        )
        self.model_errors = Counter(
            "streamsel_model_errors",
            "Labels the estimator failed to learn, and events it failed to score.",
            registry=r,
        )
        self.snapshots_written = Counter("streamsel_snapshots_written", "Snapshots written.", registry=r)
        self.snapshots_failed = Counter(
            "streamsel_snapshots_failed", "Snapshots that could not be taken or written.", registry=r
        )
        self.snapshots_refused = Counter(
            "streamsel_snapshots_refused", "Snapshots that were not used.", ["reason"], registry=r
        )
        self.replica_disagreements = Counter(
            "streamsel_replica_disagreements",
            "Times that another replica had another digest at the same offset.",
            registry=r,
        )
        self.replicas_disagreeing = Gauge(
            "streamsel_replicas_disagreeing", "Live replicas whose model is another one now.", registry=r
        )
        self.challenger_labels = Gauge(
            "streamsel_challenger_labels",
            "Explored labels by which a challenger and the champion were compared.",
            ["challenge"],
            registry=r,
        )
        self.challenger_gain = Gauge(
            "streamsel_challenger_gain",
            "Mean by which the challenger was better: a share of right answers, or nats.",
            ["challenge"],
            registry=r,
        )
        self.challenger_wealth = Gauge(
            "streamsel_challenger_wealth",
            "Evidence that the challenger is better; it is promoted at 1 / error_rate.",
            ["challenge"],
            registry=r,
        )
        self.consumer_lag = Gauge(
            "streamsel_consumer_lag", "Events waiting in the owned partitions.", registry=r
        )
        self.watchdog_restarts = Counter(
            "streamsel_watchdog_restarts",
            "Clients given up because nothing moved though something waited, by topic; and memberships of "
            "the selectors' group, as ``selector``.",
            ["part"],
            registry=r,
        )
        self.desk_outage = Gauge(
            "streamsel_desk_outage",
            "1 while the desk is unreachable and the stream is paused or shedding queries.",
            ["mode"],
            registry=r,
        )
        self.shed_queries = Counter(
            "streamsel_shed_queries", "Queries not offered because the desk was unreachable.", registry=r
        )
        self.calls = Counter(
            "streamsel_calls",
            "HTTP calls, but for probes', by status and kind of problem, 'none' without one.",
            ["status", "problem"],
            registry=r,
        )
        self.webhooks = Counter(
            "streamsel_webhooks",
            "Messages to webhooks: delivered, dead (given up), and failed attempts at either.",
            ["outcome"],
            registry=r,
        )
        self.oracle_answers = Counter(
            "streamsel_oracle_answers",
            "What came of oracles' answers: label, opinion, dispute, nothing, superseded, dead_letter; and "
            "of queries passed on to people: no_answer, passed_on.",
            ["oracle", "outcome"],
            registry=r,
        )
        self.oracle_agreement = Gauge(
            "streamsel_oracle_agreement",
            "Share of an oracle's checked answers that people gave as well.",
            ["oracle"],
            registry=r,
        )
        self.oracle_cut_off = Gauge(
            "streamsel_oracle_cut_off", "1 once its agreement fell below its floor.", ["oracle"], registry=r
        )
        self.live_quality = Gauge(
            "streamsel_live_quality",
            "A measure of the model over all events of a window, and its 95 % interval.",
            ["measure", "window", "bound"],
            registry=r,
        )
        self.plateau = Gauge(
            "streamsel_plateau",
            "1 while labels have stopped to pay and only exploration is asked about.",
            registry=r,
        )
        self.drift = Gauge(
            "streamsel_drift",
            "Population stability index of a feature, or of predictions; 0.25 is a major shift.",
            ["kind", "feature", "segment"],
            registry=r,
        )
        self.drift_found = Gauge(
            "streamsel_drift_found_timestamp_seconds",
            "When events were decided in which a change was last found.",
            ["kind", "segment"],
            registry=r,
        )
        self.live_asked = Gauge(
            "streamsel_live_asked", "Events of a window that were asked about.", ["window"], registry=r
        )
        self.live_answered = Gauge(
            "streamsel_live_answered", "Those that were answered.", ["window"], registry=r
        )
        self.batch_events = Histogram(
            "streamsel_batch_events",
            "Events in a micro-batch.",
            buckets=(1, 5, 10, 50, 100, 250, 500, 1000),
            registry=r,
        )
        self.stage_seconds = Histogram(
            "streamsel_stage_seconds",
            "Time per micro-batch, or per fit.",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=r,
        )
        self.stage = {stage: self.stage_seconds.labels(stage) for stage in STAGES}

    def exposition(self) -> bytes:
        """The text format, version 0.0.4."""
        return generate_latest(self.registry)

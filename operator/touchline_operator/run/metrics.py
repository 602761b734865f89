"""The operator's own figures, for Prometheus. Labels are kinds, verbs and results: never names of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """A registry of its own, so that several operators can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.reconciles = Counter(
            "touchline_operator_reconciles", "Reconciliations", ["kind", "result"], registry=self.registry
        )
        self.seconds = Histogram(
            "touchline_operator_reconcile_seconds",
            "Time of a reconciliation",
            ["kind"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.writes = Counter(
            "touchline_operator_writes", "Writes sent to the API server", ["verb", "resource"], registry=self.registry
        )
        self.depth = Gauge("touchline_operator_queue_depth", "Keys that are due", registry=self.registry)
        self.lag = Gauge("touchline_operator_queue_lag_seconds", "Age of the oldest due key", registry=self.registry)
        self.watch_age = Gauge(
            "touchline_operator_watch_age_seconds",
            "Age of the oldest news that a watch still owes",
            registry=self.registry,
        )
        self.leader = Gauge("touchline_operator_leader", "1 if this replica holds the Lease", registry=self.registry)
        self.objects = Gauge("touchline_operator_objects", "Objects in the index", ["kind"], registry=self.registry)
        self.count: Callable[[], Mapping[str, int]] = dict
        """Objects in the index by kind, asked at each scrape."""
        self.stale = Counter(
            "touchline_operator_stale_objects",
            "Objects that a sweep found and no watch had shown",
            registry=self.registry,
        )

    def wrote(self, verb: str, resource: str) -> None:
        """Count a write."""
        self.writes.labels(verb, resource).inc()

    def text(self) -> bytes:
        """Prometheus text format."""
        for kind, count in self.count().items():
            self.objects.labels(kind).set(count)
        return generate_latest(self.registry)

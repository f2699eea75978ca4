"""What a server counts, for Prometheus to scrape."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.032, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)  # 32 ms: the paper's P99
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class ServingMetrics:
    """Counters of one server. A request for several tasks counts for each of them.

    The label `task` holds tasks of the model alone, or "" for a request whose tasks are not known: what
    clients send cannot fill the memory with labels.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "centrabert_requests", "Requests, by task and gRPC status.", ["task", "code"], registry=registry
        )
        self._seconds = Histogram(
            "centrabert_request_seconds",
            "From a request's arrival to its answer, successful ones.",
            ["task"],
            buckets=SECONDS,
            registry=registry,
        )
        self._batch_rows = Histogram(
            "centrabert_batch_rows", "Rows computed together.", buckets=ROWS, registry=registry
        )
        self.waiting_rows = Gauge("centrabert_waiting_rows", "Rows in the queue.", registry=registry)
        self.version = Gauge(
            "centrabert_version", "The highest version that is served, 0 for none.", registry=registry
        )

    def observe_request(self, tasks: Iterable[str], code: str, seconds: float) -> None:
        """Counts a request that ended with a gRPC status, "OK" included."""
        for task in set(tasks) or {""}:
            self._requests.labels(task, code).inc()
            if code == "OK":
                self._seconds.labels(task).observe(seconds)

    def observe_batch(self, rows: int) -> None:
        self._batch_rows.observe(rows)

    def text(self) -> bytes:
        """All values, in Prometheus's text format."""
        return bytes(generate_latest(self.registry))

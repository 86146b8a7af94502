"""What a monitoring system may know: counts and durations by route, never an id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """The numbers of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("apherelog_requests", "Answers given", labels, registry=self._registry)
        self._seconds = Histogram(
            "apherelog_request_seconds", "Time to answer [s]", ("route",), buckets=_BUCKETS,
            registry=self._registry,
        )  # fmt: skip
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._state = Gauge("apherelog_state", "State of the store", ("what",), registry=self._registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the template of the path."""
        known = self._known.get((method, route, status))
        if known is None:
            known = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
            self._known[method, route, status] = known
        known[0].inc()
        known[1].observe(seconds)

    def text(self, state: dict[str, float]) -> bytes:
        """Return everything in the text format, with the given state of the store."""
        for what, value in state.items():
            self._state.labels(what).set(value)
        return generate_latest(self._registry)

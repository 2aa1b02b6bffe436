"""What Tocsin counts and measures, for Prometheus; made by `app`, which hands it to all who count.

Names and shapes follow Alertmanager's own metrics under our prefix. Label values come from small
fixed sets; receivers, channels and anything from outside are never among them.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tocsin.model.alert_wire import Checked
from tocsin.model.reason import Reason
from tocsin.model.records import Backlog

_FAST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)
_SLOW_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_MAX_CODES: Final = 64


class Metrics:
    """All metrics, in `registry`, which is this process's alone. Implements `Telemetry`."""

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self._registry = registry
        self._codes: set[str] = set()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(name, text, labels, namespace="tocsin", registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(
                name, text, labels, namespace="tocsin", registry=registry, buckets=buckets
            )

        Gauge("build_info", "Always 1.", ["version"], namespace="tocsin", registry=registry).labels(
            version
        ).set(1)
        self._requests = counter("http_requests", "Requests answered.", "path", "code")
        self._request_seconds = histogram(
            "http_request_duration_seconds", "Time to an answer.", _FAST_SECONDS, "path"
        )
        alerts = counter("alerts_received", "Alerts received, by their state.", "status")
        self._firing = alerts.labels("firing")
        self._resolved = alerts.labels("resolved")
        self._invalid = counter("alerts_invalid", "Alerts received that were invalid.")
        self._accepted_bytes = counter("intake_bytes", "Bytes of payloads stored.")
        self._accept_seconds = histogram(
            "intake_duration_seconds", "Time from a payload's check to the disk.", _FAST_SECONDS
        )
        self._signals = counter("signals_processed", "Signals read from stored payloads.")
        self._processing_seconds = histogram(
            "processing_duration_seconds", "Time to decide on a batch of payloads.", _FAST_SECONDS
        )
        self._decisions = counter("decisions", "Why signals went or did not go.", "reason")
        self._deliveries = counter(
            "deliveries", "Attempts to post or edit, by outcome.", "outcome", "reason"
        )
        self._delivery_seconds = histogram(
            "delivery_duration_seconds", "Time an attempt took at Slack.", _SLOW_SECONDS, "outcome"
        )
        self._rate_limited = counter("slack_rate_limited", "Answers of 429, by method.", "method")

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request was answered; `path` is a known one, or `other`."""
        self._requests.labels(path, status).inc()
        self._request_seconds.labels(path).observe(seconds)

    def received(self, checked: Checked) -> None:
        """A batch of alerts was checked."""
        self._firing.inc(checked.firing)
        self._resolved.inc(checked.resolved)
        self._invalid.inc(checked.invalid)

    def accepted(self, payload_bytes: int, seconds: float) -> None:
        """See `Telemetry`."""
        self._accepted_bytes.inc(payload_bytes)
        self._accept_seconds.observe(seconds)

    def processed(self, signals: int, seconds: float) -> None:
        """See `Telemetry`."""
        self._signals.inc(signals)
        self._processing_seconds.observe(seconds)

    def decided(self, reason: Reason) -> None:
        """See `Telemetry`."""
        self._decisions.labels(reason.value).inc()

    def delivered(self, outcome: str, seconds: float) -> None:
        """See `Telemetry`; codes of Slack's beyond the first 64 are counted as `other`."""
        is_sent = outcome == "ok"
        kind = "sent" if is_sent else "failed"
        self._deliveries.labels(kind, "" if is_sent else self._bounded(outcome)).inc()
        self._delivery_seconds.labels(kind).observe(seconds)

    def rate_limited(self, method: str) -> None:
        """See `Telemetry`."""
        self._rate_limited.labels(method).inc()

    def watch_store(
        self,
        backlog: Callable[[], Backlog],
        can_store: Callable[[], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Show, at each scrape, what waits in the inbox and whether it can take more."""

        def families() -> Iterator[Metric]:
            waiting = backlog()
            oldest = waiting.oldest_accepted_at
            age_seconds = 0.0 if oldest is None else max(0.0, clock() - oldest)
            yield _gauge("backlog_rows", "Payloads accepted and not processed.", waiting.rows)
            yield _gauge("backlog_bytes", "Their size.", waiting.payload_bytes)
            yield _gauge("backlog_oldest_age_seconds", "Age of the oldest of them.", age_seconds)
            yield _gauge("store_ready", "Whether payloads can be stored.", not can_store())

        self._registry.register(_AtScrape(families))

    def watch_memory(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Show, at each scrape, how many `groups`, `signals` and, of those, `firing` there are."""

        def families() -> Iterator[Metric]:
            now = counts()
            signals = GaugeMetricFamily("tocsin_signals", "Signals by state.", labels=["state"])
            signals.add_metric(["firing"], now["firing"])
            signals.add_metric(["ended"], now["signals"] - now["firing"])
            yield signals
            yield _gauge("groups", "Groups of signals, each one message a channel.", now["groups"])

        self._registry.register(_AtScrape(families))

    async def get(self, request: web.BaseRequest) -> web.Response:
        """Answer a scrape, in the format that it asks for."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})

    def _bounded(self, code: str) -> str:
        if code not in self._codes and len(self._codes) >= _MAX_CODES:
            return "other"
        self._codes.add(code)
        return code


class _AtScrape(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()

    def describe(self) -> Iterable[Metric]:
        return ()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tocsin_{name}", text, value)

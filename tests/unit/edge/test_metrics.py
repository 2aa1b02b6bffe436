"""Metrics: what they show, and that what comes from outside cannot multiply them."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.edge.serving import serving
from tocsin.edge.metrics import Metrics
from tocsin.model.reason import Reason
from tocsin.model.records import Backlog
from tocsin.pipeline.ports import Telemetry


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry, "1.2.3")


async def test_a_scrape_gets_all_metrics() -> None:
    async with serving() as served:
        answer = await served.ask("GET", "/metrics")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain")
        families = {f.name: f for f in text_string_to_metric_families(answer.body.decode())}
        assert {sample.labels["version"] for sample in families["tocsin_build_info"].samples} == {
            "1.2.3"
        }
        assert "process_resident_memory_bytes" in families
        ours = [name for name in families if not name.startswith("process_")]
        assert all(name.startswith("tocsin_") for name in ours)


async def test_a_scrape_gets_the_format_that_it_asks_for() -> None:
    async with serving() as served:
        answer = await served.ask("GET", "/metrics", Accept="application/openmetrics-text")
        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
        assert answer.body.endswith(b"# EOF\n")


def test_the_pipeline_is_counted(metrics: Metrics, registry: CollectorRegistry) -> None:
    telemetry: Telemetry = metrics
    telemetry.accepted(100, 0.002)
    telemetry.processed(64, 0.01)
    telemetry.decided(Reason.FIRST)
    telemetry.delivered("ok", 0.2)
    telemetry.delivered("channel_not_found", 0.2)
    telemetry.rate_limited("chat.postMessage")
    value = registry.get_sample_value
    assert value("tocsin_intake_bytes_total") == 100
    assert value("tocsin_intake_duration_seconds_sum") == 0.002
    assert value("tocsin_signals_processed_total") == 64
    assert value("tocsin_processing_duration_seconds_sum") == 0.01
    assert value("tocsin_decisions_total", {"reason": "FirstNotification"}) == 1
    assert value("tocsin_deliveries_total", {"outcome": "sent", "reason": ""}) == 1
    failed = {"outcome": "failed", "reason": "channel_not_found"}
    assert value("tocsin_deliveries_total", failed) == 1
    assert value("tocsin_delivery_duration_seconds_count", {"outcome": "failed"}) == 1
    assert value("tocsin_slack_rate_limited_total", {"method": "chat.postMessage"}) == 1


def test_codes_of_slack_without_end_are_one_metric(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    for number in range(1000):
        metrics.delivered(f"code_{number}", 0.1)
    metrics.delivered("code_0", 0.1)
    value = registry.get_sample_value
    assert value("tocsin_deliveries_total", {"outcome": "failed", "reason": "other"}) == 936
    assert value("tocsin_deliveries_total", {"outcome": "failed", "reason": "code_0"}) == 2


@pytest.mark.parametrize(
    ("backlog", "full", "expected"),
    [
        (Backlog(3, 300, 900.0), "", (3, 300, 100, 1)),
        (Backlog(1, 10, 1001.0), "the disk is full", (1, 10, 0, 0)),
        (Backlog(0, 0, None), "", (0, 0, 0, 1)),
    ],
)
def test_the_store_is_watched(
    metrics: Metrics,
    registry: CollectorRegistry,
    backlog: Backlog,
    full: str,
    expected: tuple[float, ...],
) -> None:
    metrics.watch_store(lambda: backlog, lambda: full, lambda: 1000.0)
    names = ("backlog_rows", "backlog_bytes", "backlog_oldest_age_seconds", "store_ready")
    assert tuple(registry.get_sample_value(f"tocsin_{name}") for name in names) == expected


def test_memory_is_watched(metrics: Metrics, registry: CollectorRegistry) -> None:
    metrics.watch_memory(lambda: {"groups": 2, "signals": 5, "firing": 3})
    value = registry.get_sample_value
    assert value("tocsin_groups") == 2
    assert value("tocsin_signals", {"state": "firing"}) == 3
    assert value("tocsin_signals", {"state": "ended"}) == 2

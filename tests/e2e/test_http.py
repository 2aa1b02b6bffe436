"""What the operator says over HTTP: who may post, whether it lives, and what it counts."""

import sys
from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from lab.places import PROJECT
from lab.process import Child, Command, free_port
from lab.readiness import answers
from tests.e2e.payloads import alert
from tests.e2e.site import Site, eventually, request
from tests.e2e.tenant import Tenant

_Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def test_who_posts_without_the_token_is_told_what_is_missing_and_nothing_is_taken(
    site: Site, tenant: Tenant
) -> None:
    tenant.declare("ops")
    for path in ("/api/v2/alerts", "/webhook/alertmanager"):
        for token in ("", "a-guess-at-the-token"):
            answer = site.post([alert("Forged", tenant.namespace)], path, token)
            assert answer.status == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "ingest token" in answer.body
            assert "Authorization: Bearer" in answer.body
    site.accept(alert("Genuine", tenant.namespace))
    tenant.slack.await_message("ops", "Genuine")
    assert tenant.slack.headlines("ops") == ["Firing: Genuine"]


def test_what_is_not_an_alert_is_refused_with_a_reason(site: Site) -> None:
    answer = site.post([{"labels": {"": "nameless"}}])
    assert answer.status == 400
    assert "label" in answer.body
    assert site.post({"version": "5", "alerts": []}).status == 400
    assert site.post("a string").status in (400, 422)


def test_an_operator_at_work_is_live_and_ready(site: Site) -> None:
    assert site.get("/livez").status == 200
    assert site.get("/readyz").status == 200


def test_an_operator_that_cannot_store_is_live_not_ready_and_takes_nothing(
    tmp_path: Path,
) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    environment = {
        "PYTHONPATH": str(PROJECT / "operator"),
        "TOCSIN_DATABASE_URL": f"sqlite:///{tmp_path}/tocsin.db",
        "TOCSIN_INGEST_AUTH": "none",
        "TOCSIN_KUBECONFIG": str(tmp_path / "none"),  # this one has no business in the cluster
        "TOCSIN_LISTEN_HOST": "127.0.0.1",
        "TOCSIN_LISTEN_PORT": str(port),
        "TOCSIN_MIN_FREE_BYTES": str(2**60),
    }
    arguments = [sys.executable, "-m", "tocsin", "run"]
    with Child(Command(arguments, environment), tmp_path / "operator.log") as operator:
        operator.wait_until(lambda: answers(f"{url}/livez"))
        ready = request(f"{url}/readyz")
        taken = request(f"{url}/api/v2/alerts", [alert("DiskFull", "nowhere")])
        samples = _parsed(request(f"{url}/metrics").body)
    assert (ready.status, taken.status) == (503, 503)
    assert "cannot store" in ready.body
    assert "not stored, send it again" in taken.body
    assert int(taken.headers["retry-after"]) > 0
    assert samples["tocsin_store_ready", frozenset()] == 0


def test_metrics_count_what_is_received_decided_and_delivered(site: Site, tenant: Tenant) -> None:
    tenant.declare("ops")
    before = _parsed(site.get("/metrics").body)
    site.accept(alert("DiskFull", tenant.namespace), alert("MemoryLow", tenant.namespace))
    site.post([alert("Stray", "a-namespace-without-receivers")])
    for name in ("DiskFull", "MemoryLow"):
        tenant.slack.await_message("ops", name)
    after = eventually(lambda: _without_backlog(site), "an empty backlog")

    def grown(name: str, **labels: str) -> float:
        key = name, frozenset(labels.items())
        return after[key] - before.get(key, 0)

    # At least: other alerts are on their way beside this test.
    assert grown("tocsin_alerts_received_total", status="firing") >= 3
    assert grown("tocsin_decisions_total", reason="Routed") >= 2
    assert grown("tocsin_decisions_total", reason="NoMatch") >= 1
    assert grown("tocsin_deliveries_total", outcome="sent", reason="") >= 1
    assert grown("tocsin_http_requests_total", path="/api/v2/alerts", code="200") >= 2
    assert after["tocsin_backlog_bytes", frozenset()] == 0
    assert after["tocsin_store_ready", frozenset()] == 1
    assert after["tocsin_signals", frozenset({("state", "firing")})] >= 3
    assert after["tocsin_groups", frozenset()] >= 2


def _without_backlog(site: Site) -> _Samples | None:
    samples = _parsed(site.get("/metrics").body)
    return samples if samples["tocsin_backlog_rows", frozenset()] == 0 else None


def _parsed(text: str) -> _Samples:
    """All samples, by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

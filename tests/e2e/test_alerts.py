"""Alerts, as their senders post them, to messages, as people read them."""

from pathlib import Path

from lab.alertmanager import Alertmanager
from tests.e2e.payloads import (
    alert,
    ended,
    kubesphere,
    kubesphere_audit,
    kubesphere_event,
    kubesphere_metric,
)
from tests.e2e.site import Site, request
from tests.e2e.tenant import Tenant


def test_an_alert_posted_by_prometheus_reaches_slack_and_its_end_edits_the_message(
    site: Site, tenant: Tenant
) -> None:
    tenant.declare("ops")
    firing = alert("DiskFull", tenant.namespace)
    site.accept(firing)
    message = tenant.slack.await_message("ops", "DiskFull", "Firing")
    assert f"Firing: DiskFull in {tenant.namespace} (e2e)" in message["text"]
    assert not message["edited"]
    site.accept(ended(firing))
    after = tenant.slack.await_message("ops", "DiskFull", "Resolved")
    assert (after["ts"], after["edited"]) == (message["ts"], True)
    assert len(tenant.slack.messages("ops")) == 1


def test_kubectl_get_shows_whether_messages_arrive(site: Site, tenant: Tenant) -> None:
    tenant.declare("ops", "oncall")
    site.accept(alert("DiskFull", tenant.namespace))
    for channel in ("ops", "oncall"):
        tenant.slack.await_message(channel, "DiskFull")
    site.await_field(tenant.receiver_place, ".status.totals.sent", "2")
    table = site.kubectl("get", "slackreceivers", f"--namespace={tenant.namespace}")
    head, row = table.splitlines()
    columns = "NAME ENABLED CHANNELS READY DELIVERING SENT FAILED LAST SENT AGE"
    assert " ".join(head.split()) == columns
    *values, last_sent, age = row.split()
    assert values == ["oncall", "true", "2", "True", "True", "2", "0"]
    assert last_sent.rstrip("s").isdigit()
    assert age.rstrip("s").isdigit()
    table = site.kubectl(
        "get", "slackreceivers", f"--namespace={tenant.namespace}", "--output=wide"
    )
    assert " ".join(table.splitlines()[0].split()) == f"{columns} REASON MESSAGE"
    assert "Delivered" in table


def test_an_alert_of_a_real_alertmanager_reaches_slack_and_resolves(
    site: Site, tenant: Tenant, tmp_path: Path
) -> None:
    tenant.declare("ops")
    webhook = {
        "url": f"{site.operator.url}/webhook/alertmanager",
        "send_resolved": True,
        "http_config": {"authorization": {"credentials_file": str(site.operator.token_file)}},
    }
    configuration = {
        "route": {
            "receiver": "tocsin",
            "group_by": ["alertname"],
            "group_wait": "100ms",
            "group_interval": "1s",
        },
        "receivers": [{"name": "tocsin", "webhook_configs": [webhook]}],
    }
    firing = alert("DiskFull", tenant.namespace)
    with Alertmanager(tmp_path, configuration) as alertmanager:
        inlet = f"{alertmanager.url}/api/v2/alerts"
        assert request(inlet, [firing]).status == 200
        message = tenant.slack.await_message("ops", "DiskFull", "Firing")
        assert request(inlet, [ended(firing)]).status == 200
        after = tenant.slack.await_message("ops", "DiskFull", "Resolved")
    assert after["ts"] == message["ts"]
    assert len(tenant.slack.messages("ops")) == 1


def test_a_kubesphere_alert_reaches_slack_once_however_often_it_is_posted_and_resolves(
    site: Site, tenant: Tenant
) -> None:
    tenant.declare("ops")
    metric = kubesphere_metric("PodDown", tenant.namespace)
    payload = kubesphere(metric)
    for _ in range(2):
        assert site.post(payload).status == 200
    message = tenant.slack.await_message("ops", "PodDown", "Firing")
    assert site.post(kubesphere(metric, status="resolved")).status == 200
    after = tenant.slack.await_message("ops", "PodDown", "Resolved")
    assert after["ts"] == message["ts"]
    assert tenant.slack.headlines("ops") == ["Resolved: PodDown"]


def test_a_k8s_event_from_kubesphere_is_told_once_to_its_namespace(
    site: Site, tenant: Tenant
) -> None:
    tenant.declare("ops")
    payload = kubesphere(kubesphere_event("BackOff", tenant.namespace))
    assert site.post(payload).status == 200
    tenant.slack.await_message("ops", "BackOff")
    assert site.post(payload).status == 200
    site.accept(alert("Later", tenant.namespace))
    tenant.slack.await_message("ops", "Later")
    assert tenant.slack.headlines("ops") == ["Kubernetes event: BackOff", "Firing: Later"]


def test_an_audit_record_from_kubesphere_is_told_once_to_the_platform(
    site: Site, platform: Tenant
) -> None:
    matcher = {"name": "alertname", "value": "ResourceChange|AfterTheChange", "matchType": "=~"}
    subscription = {"name": "audit", "source": "alerts", "matchers": [matcher]}
    platform.declare("audit", name="audit", subscriptions=[subscription], builtin=[])
    payload = kubesphere(kubesphere_audit("ResourceChange"))
    assert site.post(payload).status == 200
    platform.slack.await_message("audit", "ResourceChange")
    assert site.post(payload).status == 200
    site.accept(alert("AfterTheChange", platform.namespace))
    platform.slack.await_message("audit", "AfterTheChange")
    assert platform.slack.headlines("audit") == [
        "Audit record: ResourceChange",
        "Firing: AfterTheChange",
    ]

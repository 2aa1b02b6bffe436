"""What ends while the operator goes on, and the operator's own end."""

from lab.readiness import wait_until
from tests.e2e.payloads import alert, ended
from tests.e2e.site import Site
from tests.e2e.tenant import Tenant


def test_alerts_flow_while_the_api_server_is_away_and_statuses_catch_up_afterwards(
    site: Site, tenant: Tenant
) -> None:
    tenant.slack.open_channels("ops", "later")
    tenant.declare("ops")
    site.cluster.stop_api_server()
    try:
        firing = alert("DiskFull", tenant.namespace)
        site.accept(firing)
        tenant.slack.await_message("ops", "DiskFull")
        site.accept(ended(firing), alert("MemoryLow", tenant.namespace))
        tenant.slack.await_message("ops", "DiskFull", "Resolved")
        tenant.slack.await_message("ops", "MemoryLow")
        assert site.get("/readyz").status == 200
    finally:
        site.cluster.start_api_server()
    site.await_field(tenant.receiver_place, ".status.totals.sent", "2")
    site.apply(tenant.receiver("later"))
    tenant.slack.await_message("later", "MemoryLow")
    site.await_ready(tenant.receiver_place)


def test_an_operator_that_is_told_to_end_finishes_its_post_and_its_successor_repeats_nothing(
    site: Site, tenant: Tenant
) -> None:
    tenant.declare("ops")
    channel = tenant.slack.channel_id("ops")
    slow = {"kind": "delay", "delay_seconds": 2, "count": 1}
    site.control("faults", [{**slow, "method": "chat.postMessage", "channel": channel}])
    firing = alert("DiskFull", tenant.namespace)
    site.accept(firing, alert("MemoryLow", tenant.namespace))
    wait_until(lambda: not site.faults_left(channel), "a post to be in flight")
    assert tenant.slack.messages("ops") == []
    try:
        site.operator.stop()
        assert site.operator.exit_status == 0
        (message,) = tenant.slack.messages("ops")
    finally:
        site.operator.start()
    for name in ("DiskFull", "MemoryLow"):
        tenant.slack.await_message("ops", name)
    site.accept(ended(firing))
    tenant.slack.await_message("ops", "DiskFull", "Resolved")
    assert sorted(tenant.slack.headlines("ops")) == ["Firing: MemoryLow", "Resolved: DiskFull"]
    assert tenant.slack.messages("ops")[0]["ts"] == message["ts"]

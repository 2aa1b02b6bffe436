"""What people do to their objects with kubectl, and how soon and how far it counts.

That something does *not* come is seen by what comes after it: a second receiver of the same
namespace, the witness, which nobody touches.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.errors import KubectlError
from lab.places import PROJECT
from lab.readiness import wait_until
from tests.e2e.payloads import alert, ended
from tests.e2e.site import Document, Site
from tests.e2e.stories import Stories
from tests.e2e.tenant import RECEIVER, Tenant

_PATCHED_SPEC = "/spec/versions/0/schema/openAPIV3Schema/properties/spec"


def _declare_beside_witness(tenant: Tenant, *channels: str) -> None:
    tenant.slack.open_channels(*channels, "witness")
    tenant.declare("witness", name="witness")
    tenant.declare(*channels)


def _witness(tenant: Tenant, about: str, state: str = "Firing") -> None:
    """Return once the operator has dealt with an alert, and with all before it."""
    tenant.slack.await_message("witness", about, state)


def test_a_changed_channel_list_is_in_force_for_an_alert_that_is_posted_right_after_it(
    site: Site, tenant: Tenant
) -> None:
    tenant.slack.open_channels("day", "night")
    tenant.declare("day")
    site.accept(alert("First", tenant.namespace))
    tenant.slack.await_message("day", "First")
    site.apply(tenant.receiver("night"))
    # Its message goes out after the group wait, a second from now.
    site.accept(alert("Second", tenant.namespace))
    tenant.slack.await_message("night", "Second")
    assert tenant.slack.headlines("day") == ["Firing: First"]


def test_a_disabled_receiver_stops_at_once_and_says_so_and_replays_nothing_that_is_over(
    site: Site, tenant: Tenant
) -> None:
    _declare_beside_witness(tenant, "ops")
    brief, lasting = (alert(name, tenant.namespace) for name in ("Brief", "Lasting"))
    site.apply(tenant.receiver("ops", enabled=False))
    site.accept(brief, lasting)
    ready = site.await_reason(tenant.receiver_place, "Disabled")
    assert ready["status"] == "True"
    _witness(tenant, "Brief")
    site.accept(ended(brief))
    _witness(tenant, "Brief", "Resolved")
    assert tenant.slack.headlines("ops") == []

    site.apply(tenant.receiver("ops"))
    tenant.slack.await_message("ops", "Lasting")
    site.accept(alert("Later", tenant.namespace))
    tenant.slack.await_message("ops", "Later")
    assert tenant.slack.headlines("ops") == ["Firing: Lasting", "Firing: Later"]
    site.await_reason(tenant.receiver_place, "Succeeded")


def test_a_message_whose_alert_ended_while_the_receiver_was_disabled_is_edited_afterwards(
    site: Site, tenant: Tenant
) -> None:
    _declare_beside_witness(tenant, "ops")
    firing = alert("DiskFull", tenant.namespace)
    site.accept(firing)
    message = tenant.slack.await_message("ops", "DiskFull")
    _witness(tenant, "DiskFull")
    site.apply(tenant.receiver("ops", enabled=False))
    site.accept(ended(firing))
    site.await_reason(tenant.receiver_place, "Disabled")
    _witness(tenant, "DiskFull", "Resolved")
    assert tenant.slack.headlines("ops") == ["Firing: DiskFull"]
    site.apply(tenant.receiver("ops"))
    assert tenant.slack.await_message("ops", "DiskFull", "Resolved")["ts"] == message["ts"]


def test_messages_that_wait_when_a_receiver_is_disabled_go_out_once_it_is_enabled_again(
    stories: Stories,
) -> None:
    stories.told(play_waiting_while_disabled)


def play_waiting_while_disabled(site: Site) -> None:
    tenant = Tenant(site)
    tenant.declare("ops")
    channel = tenant.slack.channel_id("ops")
    busy = {"kind": "status", "status": 429, "retry_after_seconds": 12, "count": 1}
    site.control("faults", [{**busy, "method": "chat.postMessage", "channel": channel}])
    site.accept(alert("First", tenant.namespace), alert("Second", tenant.namespace))
    wait_until(lambda: not site.faults_left(channel), "Slack to call the channel busy")
    site.apply(tenant.receiver("ops", enabled=False))
    site.await_reason(tenant.receiver_place, "Disabled")
    assert tenant.slack.headlines("ops") == []
    site.apply(tenant.receiver("ops"))
    for name in ("First", "Second"):
        tenant.slack.await_message("ops", name)
    site.accept(alert("Later", tenant.namespace))
    tenant.slack.await_message("ops", "Later")
    assert len(tenant.slack.messages("ops")) == 3


def test_a_deleted_receiver_is_forgotten_and_one_of_its_name_begins_anew(
    site: Site, tenant: Tenant
) -> None:
    _declare_beside_witness(tenant, "ops")
    firing = alert("DiskFull", tenant.namespace)
    site.accept(firing)
    tenant.slack.await_message("ops", "DiskFull")
    site.await_field(tenant.receiver_place, ".status.totals.sent", "1")
    site.kubectl("delete", f"slr/{RECEIVER}", f"--namespace={tenant.namespace}")
    lasting = alert("MemoryLow", tenant.namespace)
    site.accept(ended(firing), lasting)
    _witness(tenant, "DiskFull", "Resolved")
    _witness(tenant, "MemoryLow")
    assert tenant.slack.headlines("ops") == ["Firing: DiskFull"]

    site.apply(tenant.receiver("ops", builtin=[]))
    site.await_ready(tenant.receiver_place)
    assert site.status(tenant.receiver_place)["totals"]["sent"] == 0
    site.apply(tenant.receiver("ops", builtin=["alerts"]))
    tenant.slack.await_message("ops", "MemoryLow")
    assert tenant.slack.headlines("ops") == ["Firing: DiskFull", "Firing: MemoryLow"]


def test_a_namespace_with_all_that_is_in_it_can_be_deleted(stories: Stories) -> None:
    stories.told(play_deleted_namespace)


def play_deleted_namespace(site: Site) -> None:
    tenant, neighbour = Tenant(site), Tenant(site)
    for each in (tenant, neighbour):
        each.declare("ops")
    site.accept(alert("DiskFull", tenant.namespace))
    tenant.slack.await_message("ops", "DiskFull")
    site.kubectl("delete", "namespace", tenant.namespace, "--timeout=50s")
    with pytest.raises(KubectlError, match="not found"):
        site.kubectl("get", "namespace", tenant.namespace)
    site.accept(alert("DiskFull", neighbour.namespace))
    neighbour.slack.await_message("ops", "DiskFull")


def test_objects_that_a_laxer_schema_let_in_say_what_is_wrong_and_harm_no_other(
    site: Site, tenant: Tenant, neighbour: Tenant
) -> None:
    for each in (tenant, neighbour):
        each.declare("ops")
    matcher = {"name": "pod", "value": "api-(", "matchType": "=~"}
    subscription = {"name": "broken", "source": "alerts", "matchers": [matcher]}
    wrong = tenant.receiver("ops", subscriptions=[subscription])
    mistyped = tenant.receiver(name="mistyped", channels="ops", enabled=["yes"])
    with _laxer_schema(site, wrong):
        site.apply(wrong, mistyped)
        matching = site.await_reason(tenant.receiver_place, "Invalid")["message"]
        typing = site.await_reason(f"slr/mistyped {tenant.namespace}", "Invalid")["message"]
    assert matching.startswith("spec.subscriptions[0].matchers[0]")
    assert "not a regular expression" in matching
    assert typing.startswith("spec.enabled: Input should be a valid boolean (and 1 more)")
    site.accept(alert("DiskFull", neighbour.namespace))
    neighbour.slack.await_message("ops", "DiskFull")

    site.apply(tenant.receiver("ops"))
    site.await_ready(tenant.receiver_place)
    site.accept(alert("DiskFull", tenant.namespace))
    tenant.slack.await_message("ops", "DiskFull")


@contextmanager
def _laxer_schema(site: Site, wrong: Document) -> Iterator[None]:
    """Let the CRD take any spec for a while, as that of an older release might take `wrong`."""
    lax = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    patch = json.dumps([{"op": "replace", "path": _PATCHED_SPEC, "value": lax}])
    site.kubectl("patch", "crd/slackreceivers.tocsin.dev", "--type=json", f"--patch={patch}")
    try:
        wait_until(lambda: _is_taken(site, wrong), "the laxer schema to be in force")
        yield
    finally:
        site.kubectl("replace", "--filename", str(PROJECT / "crds" / "slackreceivers.yaml"))
    probe = Tenant(site).receiver("ops", subscriptions=wrong["spec"]["subscriptions"])
    wait_until(lambda: not _is_taken(site, probe), "the strict schema to be in force again")


def _is_taken(site: Site, document: Document) -> bool:
    try:
        site.apply(document)
    except KubectlError:
        return False
    return True

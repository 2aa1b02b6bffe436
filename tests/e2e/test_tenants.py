"""Who sees which alerts, and who may send through whose workspace."""

from tests.e2e.payloads import alert
from tests.e2e.site import Site
from tests.e2e.tenant import CONFIG, Tenant


def test_a_tenant_sees_the_alerts_of_its_own_namespace_and_the_platform_sees_all(
    site: Site, tenant: Tenant, neighbour: Tenant, platform: Tenant
) -> None:
    for each in (tenant, neighbour):
        each.declare("ops")
    matcher = {"name": "alertname", "value": "Ours|Theirs", "matchType": "=~"}
    all_of_both = {"name": "both", "source": "alerts", "matchers": [matcher]}
    platform.declare("everything", name="everything", builtin=[], subscriptions=[all_of_both])
    site.accept(alert("Ours", tenant.namespace), alert("Theirs", neighbour.namespace))
    for name in ("Ours", "Theirs"):
        platform.slack.await_message("everything", name)
    tenant.slack.await_message("ops", "Ours")
    neighbour.slack.await_message("ops", "Theirs")
    # Anything astray would have been before these, which were told in the same channels later.
    site.accept(alert("OursLater", tenant.namespace), alert("TheirsLater", neighbour.namespace))
    tenant.slack.await_message("ops", "OursLater")
    neighbour.slack.await_message("ops", "TheirsLater")
    assert tenant.slack.headlines("ops") == ["Firing: Ours", "Firing: OursLater"]
    assert neighbour.slack.headlines("ops") == ["Firing: Theirs", "Firing: TheirsLater"]


def test_a_tenant_sees_nothing_of_another_cluster(site: Site, tenant: Tenant) -> None:
    tenant.declare("ops")
    site.accept(
        alert("Abroad", tenant.namespace, cluster="elsewhere"),
        alert("AtHome", tenant.namespace, cluster="e2e"),
    )
    tenant.slack.await_message("ops", "AtHome")
    site.accept(alert("Later", tenant.namespace))
    tenant.slack.await_message("ops", "Later")
    assert tenant.slack.headlines("ops") == ["Firing: AtHome", "Firing: Later"]


def test_a_workspace_of_another_namespace_is_refused_until_it_is_granted(
    site: Site, tenant: Tenant, neighbour: Tenant
) -> None:
    _declare_borrowing(neighbour, tenant, "Same")
    refused = site.await_reason(neighbour.receiver_place, "NotAllowed")
    assert refused["status"] == "False"
    assert f"does not allow namespace {neighbour.namespace}" in refused["message"]
    assert "spec.allowedNamespaces" in refused["message"]
    site.accept(alert("Waiting", neighbour.namespace), alert("Own", tenant.namespace))
    tenant.slack.await_message("own", "Own")
    assert tenant.slack.messages("lent") == []

    site.apply(tenant.config(allowedNamespaces={"from": "All"}))
    site.await_ready(neighbour.receiver_place)
    tenant.slack.await_message("lent", "Waiting")


def test_a_withdrawn_grant_stops_messages_until_it_is_given_again(
    site: Site, tenant: Tenant, neighbour: Tenant
) -> None:
    _declare_borrowing(neighbour, tenant, "All")
    site.await_ready(neighbour.receiver_place)
    site.accept(alert("Before", neighbour.namespace))
    tenant.slack.await_message("lent", "Before")

    site.apply(tenant.config())
    site.await_reason(neighbour.receiver_place, "NotAllowed")
    site.accept(alert("Meanwhile", neighbour.namespace), alert("Own", tenant.namespace))
    tenant.slack.await_message("own", "Own")
    assert tenant.slack.headlines("lent") == ["Firing: Before"]

    name = {"kubernetes.io/metadata.name": neighbour.namespace}
    selector = {"from": "Selector", "selector": {"matchLabels": name}}
    site.apply(tenant.config(allowedNamespaces=selector))
    tenant.slack.await_message("lent", "Meanwhile")
    site.await_ready(neighbour.receiver_place)


def _declare_borrowing(borrower: Tenant, owner: Tenant, grant: str) -> None:
    """Let `borrower`'s receiver refer to `owner`'s SlackConfig, which grants as said."""
    owner.slack.open_channels("own", "lent")
    owner.declare("own")
    reference = {"name": CONFIG, "namespace": owner.namespace}
    owner.site.apply(
        owner.config(allowedNamespaces={"from": grant}),
        borrower.receiver("lent", configRef=reference),
    )

"""Alerts as their senders post them."""

import time
from typing import Any

_VALID_SECONDS = 240
"""Four times Prometheus's resend delay, as Prometheus has it."""

Alert = dict[str, Any]


def alert(name: str, namespace: str, **labels: str) -> Alert:
    """A firing alert as Prometheus posts it to what it takes for an Alertmanager."""
    now = time.time()
    return {
        "labels": {"alertname": name, "namespace": namespace, "severity": "warning", **labels},
        "annotations": {"summary": f"{name} needs a look"},
        "startsAt": _rfc3339(now - 10),
        "endsAt": _rfc3339(now + _VALID_SECONDS),
        "generatorURL": "http://prometheus.example/graph?g0.expr=up",
    }


def ended(firing: Alert) -> Alert:
    """The same alert as Prometheus posts it once it is over."""
    return firing | {"endsAt": _rfc3339(time.time())}


def kubesphere(*alerts: Alert, status: str = "firing") -> dict[str, Any]:
    """What KubeSphere's Alertmanager posts to its notification-manager.

    Without `version`, `groupKey` and `truncatedAlerts`, as KubeSphere's own test data have it.
    """
    return {
        "receiver": "Default",
        "status": status,
        "alerts": [_as_sent(each, status) for each in alerts],
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "",
    }


def kubesphere_metric(name: str, namespace: str) -> Alert:
    """An alert of a KubeSphere RuleGroup."""
    return {
        "labels": {
            "alertname": name,
            "alerttype": "metric",
            "namespace": namespace,
            "pod": "api-0",
            "rule_group": "api",
            "rule_id": "b1d5",
            "rule_level": "namespace",
            "severity": "critical",
        },
        "annotations": {"message": f"{name} on api-0", "summary": f"{name} on api-0"},
    }


def kubesphere_event(name: str, namespace: str) -> Alert:
    """What KubeSphere's event ruler makes of a k8s event."""
    return {
        "labels": {
            "alertname": name,
            "alerttype": "event",
            "container": "api",
            "namespace": namespace,
            "pod": "api-0",
            "severity": "warning",
        },
        "annotations": {"message": "Back-off restarting failed container", "summary": ""},
    }


def kubesphere_audit(name: str) -> Alert:
    """What KubeSphere's auditing makes of an audit record of a cluster-scoped object."""
    return {
        "labels": {
            "alertname": name,
            "alerttype": "auditing",
            "group": '["system:authenticated"]',
            "name": "settings",
            "requestReceivedTimestamp": "2026-11-03 15:11:56.676195 +0800 CST",
            "resource": "configs",
            "user": "admin",
            "verb": "update",
        },
        "annotations": {"message": "admin update configs 'settings'"},
    }


def _as_sent(given: Alert, status: str) -> Alert:
    now = time.time()
    return {
        "status": status,
        **given,
        "startsAt": given.get("startsAt", _rfc3339(now)),
        "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else _rfc3339(now),
        "generatorURL": "",
        "fingerprint": "",
    }


def _rfc3339(at: float) -> str:
    whole, fraction = divmod(at, 1)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int(fraction * 1000):03}Z"

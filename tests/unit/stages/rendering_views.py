"""Groups as an on-call engineer meets them, rendered in the goldens.

Run as a module (`python -m tests.unit.stages.rendering_views`) to write the goldens anew, then read
the difference.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tocsin.model.message import GroupView, Message
from tocsin.model.reason import Reason
from tocsin.model.signal import Signal, Source, Status
from tocsin.stages.rendering import render_reply, render_state

GOLDENS = Path(__file__).with_name("goldens")
START = 1_754_820_240.0  # 2025-08-10 10:04 UTC
RUNBOOK = "https://runbooks.example.com/kubernetes/kubepodcrashlooping"
GRAPH = "https://prometheus.example.com/graph?g0.expr=up%7Bjob%3D%22app%22%7D+%3D%3D+0&g0.tab=1"


def alert(
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    *,
    start: float = START,
    end: float | None = None,
    url: str = "",
) -> Signal:
    """An alert that fires, or with `end` one that has resolved."""
    status = Status.FIRING if end is None else Status.RESOLVED
    notes = annotations or {}
    return Signal(Source.ALERTS, labels, notes, status, start, end, start, generator_url=url)


def notice(
    labels: Mapping[str, str], annotations: Mapping[str, str], *, start: float = START
) -> Signal:
    """A signal without an end."""
    key = f"{start}{sorted(labels.items())}"
    return Signal(
        Source.ALERTS,
        labels,
        annotations,
        Status.INSTANT,
        start,
        None,
        start,
        idempotency_key=key,
    )


def group(
    firing: Sequence[Signal],
    resolved: Sequence[Signal] = (),
    reason: Reason = Reason.FIRST,
    fresh: Sequence[Signal] = (),
) -> GroupView:
    """The view of a group twelve hours after `START`."""
    now = START + 12 * 3600
    return GroupView(
        receiver="monitoring/platform",
        group_labels={},
        firing=firing,
        resolved=resolved,
        now=now,
        reason=reason,
        fresh=fresh,
    )


def crash(pod: str, *, start: float = START, end: float | None = None, **labels: str) -> Signal:
    """A crash-looping pod, as kube-prometheus reports it."""
    everything = {
        "alertname": "KubePodCrashLooping",
        "cluster": "prod-eu",
        "container": "app",
        "job": "kube-state-metrics",
        "namespace": "payments",
        "pod": pod,
        "severity": "critical",
        **labels,
    }
    notes = {
        "summary": "Pod is crash looping.",
        "description": f'Pod payments/{pod} (app) is in waiting state (reason: "CrashLoopBackOff")',
        "runbook_url": RUNBOOK,
    }
    return alert(everything, notes, start=start, end=end, url=GRAPH)


def full_disk(number: int) -> Signal:
    """A disk that fills up, each with its own figure; the first three are critical."""
    labels = {
        "alertname": "NodeFilesystemSpaceFillingUp",
        "cluster": "prod-eu",
        "instance": f"10.0.{number}.1:9100",
        "mountpoint": "/var/lib/<data> & co",
        "severity": "critical" if number < 3 else "warning",
    }
    notes = {
        "summary": "Filesystem is predicted to run out of space within the next 4 hours.",
        "description": f"Only {5 - number / 20:.2f}% left at 10.0.{number}.1:9100, filling up.",
    }
    return alert(labels, notes, start=START + 60 * number)


def failed_job() -> Signal:
    """Another alert of the same namespace."""
    labels = {
        "alertname": "KubeJobFailed",
        "cluster": "prod-eu",
        "job_name": "report",
        "namespace": "payments",
        "severity": "warning",
    }
    return alert(labels, {"summary": "Job failed to complete."}, url=GRAPH + "&g1=")


def back_off(number: int) -> Signal:
    """A Kubernetes event as KubeSphere sends it through an Alertmanager."""
    labels = {
        "alertname": "PodBackOff",
        "alerttype": "event",
        "cluster": "prod-eu",
        "namespace": "shop",
        "pod": f"web-{number}",
        "severity": "warning",
    }
    notes = {"message": "Back-off restarting failed container"}
    return notice(labels, notes, start=START + 90 * number)


def audit_record() -> Signal:
    """An audit record as KubeSphere sends it through an Alertmanager."""
    labels = {
        "alertname": "ResourceChange",
        "alerttype": "auditing",
        "group": '["system:authenticated"]',
        "name": "x",
        "requestReceivedTimestamp": "2022-11-03 15:11:56.676195 +0800 CST",
        "resource": "configs",
        "user": "admin",
        "verb": "update",
    }
    return notice(labels, {"message": "admin update configs 'x'"})


THREE = [crash("checkout-a"), crash("checkout-b", start=START + 300), crash("checkout-c")]
DISKS = [full_disk(number) for number in range(47)]
HOSTILE = alert(
    {"alertname": "<!channel> *Down*", "namespace": "`rm -rf`", "who": "@here <@U1> \u202eevil"},
    {
        "summary": "<https://evil.example|click> & @channel",
        "description": "~one~\n\n\n\ntwo\ttabs :fire: \x00 \ud800 \u200b",
        "runbook_url": "javascript:alert(1)",
        "dashboard_url": "https://user:pass@evil.example/",
    },
    url="https://prometheus.example.com/a|b>c`d?x=1&y=2",
)

STATES: Mapping[str, GroupView] = {
    "state_one_alert": group([crash("checkout-a")]),
    "state_three_alike": group(THREE),
    "state_many_each_with_its_figure": group(DISKS),
    "state_different_alerts": group([crash("checkout-a"), failed_job()]),
    "state_some_resolved": group([crash("a")], [crash("b", end=START + 840)], Reason.STATE_CHANGED),
    "state_resolved": group([], [crash("a", end=START + 840)], Reason.ALL_RESOLVED),
    "state_fired_and_resolved_while_delayed": group(
        [], [crash("a", end=START + 840), crash("b", end=START + 7500)]
    ),
    "state_kubernetes_events": group([back_off(0), back_off(1)]),
    "state_audit_record": group([audit_record()]),
    "state_hostile": group([HOSTILE]),
}
REPLIES: Mapping[str, GroupView] = {
    "reply_one_new": group(THREE, (), Reason.NEW_ALERTS, [THREE[2]]),
    "reply_two_new": group(THREE, (), Reason.NEW_ALERTS, THREE[1:]),
    "reply_severity_rose": group(
        [crash("a", severity="warning"), crash("b")], (), Reason.SEVERITY_ROSE, [crash("b")]
    ),
    "reply_still_firing": group(DISKS, (), Reason.REPEAT),
}


def rendered() -> dict[str, Message]:
    """Every golden's message, by name."""
    states = {name: render_state(view) for name, view in STATES.items()}
    return states | {name: render_reply(view) for name, view in REPLIES.items()}


def as_json(message: Message) -> str:
    """A message as a golden holds it."""
    document: dict[str, Any] = asdict(message)
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    GOLDENS.mkdir(exist_ok=True)
    for name, message in rendered().items():
        (GOLDENS / f"{name}.json").write_text(as_json(message), encoding="utf-8")

"""`python -m lab.demo`: the main job end to end, on this machine.

A real API server, the operator under its own ServiceAccount, a real Prometheus whose rules come
from a PrometheusRule object, and a stand-in for Slack with a page. With `--once` it ends by itself:
exit status 0 only when the alert's message came and was edited to resolved.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import progress
from lab.cluster import ControlPlane
from lab.errors import LabError
from lab.exporter import Exporter
from lab.operator_process import NAMESPACE, OperatorOptions, OperatorProcess
from lab.places import PROJECT
from lab.prometheus import AlertTarget, Prometheus, PrometheusOptions, rule_groups
from lab.slack_process import SlackProcess

ALERT = "AlertmanagerFailedReload"
RULE_NAME = "alertmanager-main-rules"
_LABELS = 'job="alertmanager-main",container="alertmanager",namespace="monitoring"'
# The rule looks five minutes back: a series that was well within them does not fire.
_BROKEN = f'alertmanager_config_last_reload_successful{{{_LABELS},pod="alertmanager-main-0"}} 0\n'
_MENDED = _BROKEN.replace(" 0\n", " 1\n")
_SPLIT = "".join(
    f'alertmanager_cluster_members{{{_LABELS},service="alertmanager-main",'
    f'pod="alertmanager-main-{pod}"}} {members}\n'
    for pod, members in enumerate((2, 2, 3))
)
_HOLD_SECONDS = 2.0
_POLL_SECONDS = 0.2
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """What is up: the cluster, the operator, the stand-in's URL, and the metric that Prometheus
    scrapes.
    """

    cluster: ControlPlane
    operator: OperatorProcess
    slack_url: str
    exporter: Exporter


def main() -> int:
    """Run the demo; 0 when all came as it should, 1 with a sentence where it did not."""
    parser = argparse.ArgumentParser(prog="python -m lab.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end by itself once it has worked")
    once = parser.parse_args().once
    folder = Path(tempfile.mkdtemp(prefix="tocsin-demo-"))
    try:
        with bring_up(folder) as running:
            fire_and_resolve(running)
            if not once:
                _show(running)
    except LabError as error:
        print(f"demo: {error}", file=sys.stderr)
        print(f"demo: logs are in {folder}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    shutil.rmtree(folder, ignore_errors=True)
    return 0


@contextmanager
def bring_up(folder: Path) -> Iterator[Running]:
    """Start everything, apply everything, and wait until the receiver is ready."""
    with ExitStack() as stack:
        with progress.step("starting the API server and its controllers"):
            cluster = stack.enter_context(ControlPlane(folder / "cluster"))
        with progress.step("starting the Slack stand-in"):
            slack = stack.enter_context(SlackProcess(folder / "slack"))
        with progress.step("kubectl apply: CRDs, RBAC, the operator's namespace, receivers"):
            _apply(cluster, slack.url)
        with progress.step("starting the operator under its ServiceAccount"):
            options = OperatorOptions(
                slack.url,
                settings={
                    "TOCSIN_CLUSTER": "demo",
                    "TOCSIN_PLATFORM_NAMESPACES": f"{NAMESPACE},monitoring",
                },
            )
            operator = stack.enter_context(OperatorProcess(folder / "operator", cluster, options))
        with progress.step("kubectl wait: the SlackReceiver is ready"):
            cluster.kubectl(
                "wait",
                "slackreceiver/platform",
                "--namespace=monitoring",
                "--for=condition=Ready",
                "--timeout=30s",
            )
        exporter = stack.enter_context(Exporter(""))
        with progress.step(f"starting Prometheus with the rules of PrometheusRule {RULE_NAME}"):
            rule = json.loads(
                cluster.kubectl(
                    "get", "prometheusrule", RULE_NAME, "--namespace=monitoring", "--output=json"
                )
            )
            prometheus = PrometheusOptions(
                rules=rule_groups(rule, hold_seconds=_HOLD_SECONDS),
                targets=[AlertTarget(operator.url, operator.token_file)],
                scraped=[exporter.address],
            )
            stack.enter_context(Prometheus(folder / "prometheus", prometheus))
        yield Running(cluster, operator, slack.url, exporter)


def fire_and_resolve(running: Running) -> None:
    """Let the rule fire and end; return once the message has come and was edited."""
    running.exporter.text = _BROKEN
    with progress.step(f"waiting for {ALERT} to fire and its message to be in #alerts"):
        message = _wait_for(lambda: _message(running.slack_url, resolved=False))
    progress.say(f"in Slack: {message['text']}")
    running.exporter.text = _MENDED
    with progress.step("waiting for the same message to be edited to resolved"):
        edited = _wait_for(lambda: _message(running.slack_url, resolved=True))
    if edited["ts"] != message["ts"]:
        raise LabError("another message was resolved, not the one that was posted")
    progress.say(f"in Slack: {edited['text']}")


def _apply(cluster: ControlPlane, slack_url: str) -> None:
    cluster.kubectl("apply", "--kustomize", str(PROJECT / "manifests" / "base"))
    cluster.kubectl("apply", "--filename", str(PROJECT / "lab" / "crds"))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    objects = (PROJECT / "lab" / "demo_objects" / "receivers.yaml").read_text()
    cluster.kubectl("apply", "--filename=-", input=objects.replace("SLACK_URL", slack_url))
    cluster.kubectl("apply", "--filename", str(PROJECT / "lab" / "rules" / "alertmanager.yaml"))


def _message(slack_url: str, *, resolved: bool) -> Mapping[str, Any] | None:
    """Return the alert's message in #alerts, once it is there in the state asked for."""
    with urllib.request.urlopen(f"{slack_url}/_lab/messages?channel=C00ALERTS") as answer:
        messages: Sequence[Mapping[str, Any]] = json.load(answer)["messages"]
    for message in messages:
        if ALERT in message["text"] and ("esolved" in message["text"]) is resolved:
            return message
    return None


def _wait_for(look: Callable[[], Mapping[str, Any] | None]) -> Mapping[str, Any]:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(_POLL_SECONDS)
    raise LabError(f"it did not come within {_WAIT_SECONDS:.0f} s")


def _show(running: Running) -> None:
    """Let two more alerts fire, say how to look around, and wait for Ctrl-C."""
    running.exporter.text = _MENDED + _SPLIT
    kubectl = f"kubectl --kubeconfig={running.cluster.kubeconfig}"
    print(
        f"\nSlack, as its people see it:   {running.slack_url}/\n"
        f"\nTry, in another terminal:\n"
        f"  {kubectl} get slackreceivers -A\n"
        f"  {kubectl} describe slackreceiver platform -n monitoring\n"
        f"  {kubectl} edit slackreceiver platform -n monitoring     # in force within a second\n"
        f"\nCtrl-C ends everything.\n",
        flush=True,
    )
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())

"""The CRDs in a real API server: what it refuses and with which words, fills in, and prints."""

import json
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.errors import KubectlError
from lab.kubectl import Cluster
from lab.places import PROJECT
from tests.kube.refused_specs import CONFIG, RECEIVER, REFUSED
from tocsin.model.receiver_spec import MAX_SUBSCRIPTIONS
from tocsin.model.resources import API_VERSION, KINDS, parse_config, parse_receiver
from tocsin.model.statuses import SlackConfigStatus, SlackReceiverStatus

_REFUSAL = re.compile(r'"(refused-[0-9]+)" is invalid: (.*)')
_CRDS = [f"crd/{kind.plural}.tocsin.dev" for kind in KINDS]


@pytest.fixture(scope="module")
def kube(control_plane: Cluster) -> Cluster:
    """The control plane, with the CRDs in force."""
    control_plane.kubectl("apply", "--server-side", "-k", str(PROJECT / "crds"))
    control_plane.kubectl("wait", "--for=condition=Established", *_CRDS)
    return control_plane


@pytest.fixture(scope="module")
def place(kube: Cluster) -> Iterator[str]:
    """A namespace that this module's tests share; each names its objects anew."""
    name = f"test-{secrets.token_hex(4)}"
    kube.kubectl("create", "namespace", name)
    yield name
    kube.kubectl("delete", "namespace", name, "--wait=false")


def _body(kind: str, spec: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": place}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _apply(kube: Cluster, place: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    body = _body(kind, spec, f"test-{secrets.token_hex(4)}", place)
    text = kube.kubectl("apply", "-ojson", "-f-", input=json.dumps(body))
    applied: dict[str, Any] = json.loads(text)
    return applied


def _write_status(kube: Cluster, body: dict[str, Any], status: dict[str, Any]) -> None:
    kube.kubectl(
        "patch",
        body["kind"],
        body["metadata"]["name"],
        f"--namespace={body['metadata']['namespace']}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps({'status': status})}",
    )


def _row(kube: Cluster, body: dict[str, Any], *flags: str) -> dict[str, str]:
    """What `kubectl get` prints of one object: column -> cell."""
    lines = kube.kubectl(
        "get",
        body["kind"].lower(),
        body["metadata"]["name"],
        f"--namespace={body['metadata']['namespace']}",
        *flags,
    ).splitlines()
    header, row = lines
    names = [name.strip() for name in header.split("  ") if name.strip()]
    starts = [header.index(name) for name in names]
    ends = [*starts[1:], len(row) + 1]
    return {
        name: row[start:end].strip() for name, start, end in zip(names, starts, ends, strict=True)
    }


@pytest.fixture(scope="module")
def refusals(kube: Cluster, place: str) -> Mapping[str, str]:
    """What the server says to each of REFUSED, by name; all applied at once, which is faster."""
    bodies = [
        _body(each.kind, each.spec, f"refused-{number}", place)
        for number, each in enumerate(REFUSED)
    ]
    with pytest.raises(KubectlError) as caught:
        kube.kubectl("apply", "-f-", input="\n---\n".join(map(json.dumps, bodies)))
    return dict(_REFUSAL.findall(caught.value.stderr))


@pytest.mark.parametrize("number", range(len(REFUSED)), ids=lambda number: REFUSED[number].what)
def test_server_refuses_and_says_where_and_why(refusals: Mapping[str, str], number: int) -> None:
    words = refusals[f"refused-{number}"]
    assert REFUSED[number].field in words
    assert REFUSED[number].words in words


def test_server_fills_in_the_defaults_of_a_receiver(kube: Cluster, place: str) -> None:
    subscriptions = [
        {"name": "one", "source": "alerts", "matchers": [{"name": "severity", "value": "critical"}]}
    ]
    body = _apply(kube, place, "SlackReceiver", {**RECEIVER, "subscriptions": subscriptions})
    assert body["spec"] == {
        "configRef": {"name": "acme"},
        "channels": ["#alerts"],
        "enabled": True,
        "builtin": ["alerts", "events", "audit"],
        "subscriptions": [
            {
                "name": "one",
                "source": "alerts",
                "matchers": [{"name": "severity", "value": "critical", "matchType": "="}],
                "sendResolved": True,
                "updates": "Thread",
            }
        ],
    }
    assert body["status"] == {"observedGeneration": -1}


def test_server_fills_in_the_defaults_of_a_config(kube: Cluster, place: str) -> None:
    body = _apply(kube, place, "SlackConfig", CONFIG)
    assert body["spec"] == {
        "tokenSecretRef": {"name": "slack-token", "key": "token"},
        "allowedNamespaces": {"from": "Same"},
    }
    assert body["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize(
    "channel",
    [
        "ops",
        "#ops",
        "ops_2-x",
        "a" * 80,
        "#" + "a" * 80,
        "C024BE91L",
        "U024BE7LH",
        "W0123456789",
        "日本語チャンネル",
        "équipe",
        "команда",
        "فريق",
        "हिन्दी",
        "e\u0301quipe",
        "٣",
    ],
)
def test_server_takes_channels_of_any_script_and_ids(
    kube: Cluster, place: str, channel: str
) -> None:
    body = _apply(kube, place, "SlackReceiver", {**RECEIVER, "channels": [channel]})
    assert parse_receiver(body).spec.channels == (channel,)


def test_largest_receiver_is_taken_and_parsed(kube: Cluster, place: str) -> None:
    channels = [f"#channel-{number:02}" for number in range(20)]
    matchers = [{"name": "a" * 256, "value": "(b|c)*" * 170, "matchType": "=~"}] * 32
    subscriptions = [
        {"name": f"s{number}", "source": "alerts", "channels": channels, "matchers": matchers}
        for number in range(MAX_SUBSCRIPTIONS)
    ]
    spec = {**RECEIVER, "channels": channels, "subscriptions": subscriptions}
    # Created: `apply` would keep a copy in an annotation, which may have 256 KiB at most.
    body = _body("SlackReceiver", spec, "largest", place)
    text = kube.kubectl("create", "-ojson", "-f-", input=json.dumps(body))
    assert len(parse_receiver(json.loads(text)).spec.subscriptions) == MAX_SUBSCRIPTIONS


def test_receiver_prints_whether_messages_arrive(kube: Cluster, place: str) -> None:
    body = _apply(kube, place, "SlackReceiver", RECEIVER)
    condition = {"lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = SlackReceiverStatus.model_validate(
        {
            "observedGeneration": 1,
            "conditions": [
                {**condition, "type": "Ready", "status": "True", "reason": "Succeeded"},
                {
                    **condition,
                    "type": "Delivering",
                    "status": "False",
                    "reason": "NotInChannel",
                    "message": "#alerts: type /invite @tocsin there",
                },
            ],
            "channels": [{"name": "#alerts", "reachable": "False", "reason": "NotInChannel"}],
            "totals": {
                "channels": 1,
                "sent": 88,
                "failed": 3,
                "lastSentTime": "2026-01-01T00:00:00Z",
            },
        }
    )
    _write_status(kube, body, status.model_dump(mode="json", by_alias=True, exclude_none=True))
    row = _row(kube, body)
    assert row.pop("NAME") == body["metadata"]["name"]
    assert row.pop("AGE").endswith("s")
    assert row.pop("LAST SENT").endswith(("d", "y"))
    assert row == {
        "ENABLED": "true",
        "CHANNELS": "1",
        "READY": "True",
        "DELIVERING": "False",
        "SENT": "88",
        "FAILED": "3",
    }
    wide = _row(kube, body, "-owide")
    assert wide["REASON"] == "NotInChannel"
    assert wide["MESSAGE"] == "#alerts: type /invite @tocsin there"


def test_config_prints_its_team_and_users(kube: Cluster, place: str) -> None:
    body = _apply(kube, place, "SlackConfig", CONFIG)
    status = SlackConfigStatus.model_validate(
        {
            "observedGeneration": 1,
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Succeeded",
                    "message": "Slack accepts the token",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ],
            "team": {"id": "T1", "name": "Acme"},
            "bot": {"id": "B1", "userId": "U1", "name": "tocsin"},
            "tokenType": "Bot",
            "scopes": ["chat:write"],
            "capabilities": [
                {"name": "History", "available": False, "missingScopes": ["channels:history"]}
            ],
            "receivers": 4,
            "lastVerifiedTime": "2026-01-01T00:00:00Z",
        }
    )
    _write_status(kube, body, status.model_dump(mode="json", by_alias=True, exclude_none=True))
    row = _row(kube, body, "-owide")
    assert row.pop("NAME") == body["metadata"]["name"]
    assert row.pop("AGE").endswith("s")
    assert row.pop("LAST VERIFIED").endswith(("d", "y"))
    assert row == {
        "READY": "True",
        "TEAM": "Acme",
        "RECEIVERS": "4",
        "REASON": "Succeeded",
        "MESSAGE": "Slack accepts the token",
    }


def test_users_of_the_api_find_the_kinds_by_short_name_and_category(
    kube: Cluster, place: str
) -> None:
    config = _apply(kube, place, "SlackConfig", CONFIG)["metadata"]["name"]
    receiver = _apply(kube, place, "SlackReceiver", RECEIVER)["metadata"]["name"]
    where = f"--namespace={place}"
    assert config in kube.kubectl("get", "slc", where, "-oname")
    assert receiver in kube.kubectl("get", "slr", where, "-oname")
    both = kube.kubectl("get", "tocsin", where, "-oname")
    assert config in both
    assert receiver in both


def test_ready_conditions_can_be_waited_for(kube: Cluster, place: str) -> None:
    body = _apply(kube, place, "SlackConfig", CONFIG)
    assert parse_config(body).metadata.generation == 1
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Succeeded",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    _write_status(kube, body, {"observedGeneration": 1, "conditions": [ready]})
    name = f"slackconfig/{body['metadata']['name']}"
    waited = kube.kubectl("wait", "--for=condition=Ready", name, f"--namespace={place}")
    assert "condition met" in waited

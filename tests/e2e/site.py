"""The whole of it as its users meet it: kubectl for the cluster, HTTP for the operator.

One site serves all end-to-end tests of a run; each test brings a namespace and a Slack workspace of
its own.
"""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml

from lab.cluster import ControlPlane
from lab.operator_process import INGEST_TOKEN, NAMESPACE, SERVICE_ACCOUNT, OperatorProcess

PATIENCE_SECONDS = 60
"""What must come may take this long; a busy machine must not fail a test."""
_POLL_SECONDS = 0.1

T = TypeVar("T")
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(slots=True)
class Site:
    """A cluster, the operator in it, and the Slack stand-in's base URL.

    `tokens` are all credentials that were ever used here.
    """

    cluster: ControlPlane
    operator: OperatorProcess
    slack_url: str
    tokens: set[str] = field(default_factory=lambda: {INGEST_TOKEN})

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as the admin; returns its output."""
        return self.cluster.kubectl(*arguments)

    def apply(self, *documents: Document) -> None:
        """`kubectl apply` of these objects, in their order."""
        listed = {"apiVersion": "v1", "kind": "List", "items": documents}
        flags = ("--server-side", "--validate=ignore")  # a third of the time; the server validates
        self.cluster.kubectl("apply", *flags, "--filename=-", input=json.dumps(listed))

    def make_namespace(self, name: str = "") -> str:
        """Create a namespace and return its name; without one it gets a name of its own."""
        name = name or f"team-{secrets.token_hex(4)}"
        self.kubectl("create", "namespace", name)
        return name

    def status(self, place: str) -> dict[str, Any]:
        """Return the status of `kind/name namespace`, such as `slr/oncall payments`."""
        what, namespace = place.split()
        text = self.kubectl("get", what, f"--namespace={namespace}", "--output=json")
        return dict(json.loads(text).get("status", {}))

    def condition(self, place: str, kind: str = "Ready") -> dict[str, Any]:
        """Return one condition of an object, empty where it has none of that type."""
        conditions = self.status(place).get("conditions", [])
        return next((each for each in conditions if each["type"] == kind), {})

    def await_ready(self, *places: str, ready: str = "true") -> None:
        """Return once these objects' Ready is `ready`, for their present generation."""
        for place in places:
            self._wait(place, f"--for=condition=Ready={ready}")

    def await_reason(self, place: str, reason: str, kind: str = "Ready") -> dict[str, Any]:
        """Return an object's condition of type `kind` once it has this reason."""
        path = f'{{.status.conditions[?(@.type=="{kind}")].reason}}'
        self._wait(place, f"--for=jsonpath={path}={reason}")
        return self.condition(place, kind)

    def await_field(self, place: str, path: str, value: str) -> None:
        """Return once the field at `path`, such as `.status.totals.sent`, has this value."""
        self._wait(place, f"--for=jsonpath={{{path}}}={value}")

    def await_k8s_event(self, reason: str, namespace: str) -> None:
        """Return once there is a k8s event with this reason in a namespace."""
        eventually(lambda: reason in self.k8s_events(namespace), f"a k8s event {reason}")

    def k8s_events(self, namespace: str) -> list[str]:
        """Return the reasons of the k8s events in a namespace."""
        path = "--output=jsonpath={.items[*].reason}"
        return self.kubectl("get", "events", f"--namespace={namespace}", path).split()

    def note_service_account_token(self) -> None:
        """Count the operator's own token for the API server among the tokens used."""
        file = self.cluster.folder / f"{NAMESPACE}-{SERVICE_ACCOUNT}.kubeconfig"
        access = yaml.safe_load(file.read_text())
        self.tokens.add(access["users"][0]["user"]["token"])

    def _wait(self, place: str, condition: str) -> None:
        what, namespace = place.split()
        patience = f"--timeout={PATIENCE_SECONDS - 5}s"
        self.kubectl("wait", what, f"--namespace={namespace}", condition, patience)

    def post(
        self, payload: object, path: str = "/api/v2/alerts", token: str = INGEST_TOKEN
    ) -> Answer:
        """POST `payload` as JSON to the operator, with this bearer token if any."""
        return request(f"{self.operator.url}{path}", payload, token)

    def accept(self, *alerts: Document) -> None:
        """Post alerts as Prometheus does; the operator must take them."""
        answer = self.post(alerts)
        assert answer.status == 200, answer

    def get(self, path: str) -> Answer:
        """GET a path of the operator."""
        return request(f"{self.operator.url}{path}")

    def control(self, path: str, payload: object = None) -> Any:
        """Ask the stand-in's control API, with a POST where there is a payload."""
        answer = request(f"{self.slack_url}/_lab/{path}", payload)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def faults_left(self, channel_id: str) -> int:
        """Return how many faults are still to come in a channel."""
        faults = self.control("faults")["faults"]
        return sum(fault["channel"] == channel_id for fault in faults)


def request(url: str, payload: object = None, token: str = "") -> Answer:
    """GET `url`, or POST `payload` to it as JSON; any status is an answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None
    if payload is not None:
        data = json.dumps(payload).encode()
        headers["Content-Type"] = "application/json"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data, headers), timeout=30) as got:
            return Answer(got.status, _lowered(got.headers.items()), got.read().decode())
    except urllib.error.HTTPError as refused:
        with refused:
            text = refused.read().decode()
            return Answer(refused.code, _lowered(refused.headers.items()), text)


def eventually(look: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Return what `look` returns once that is neither None nor empty; fail where it never is."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
        time.sleep(_POLL_SECONDS)
    return found


def _lowered(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}

"""Stories that take up to a minute, played beside the other tests; a test looks at their end.

The waiting is the operator's own: it looks at a Secret every 25 s, and tries a channel that it may
not post to every 30 s.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.e2e.payloads import alert
from tests.e2e.site import Document, Site
from tests.e2e.tenant import Tenant
from tests.e2e.workspace import SCOPES, Message

_TOLD_SECONDS = 180

Condition = Mapping[str, Any]
T = TypeVar("T")


class Stories:
    """Plays stories from the beginning of its `with` block on, each in a thread of its own."""

    def __init__(self, site: Site, plays: Iterable[Callable[[Site], object]]) -> None:
        self._threads = ThreadPoolExecutor(thread_name_prefix="story")
        self._played = {play: self._threads.submit(play, site) for play in plays}

    def told(self, play: Callable[[Site], T]) -> T:
        """Return how a story ended, or raise what went wrong in it."""
        played: Future[Any] = self._played[play]
        told: T = played.result(_TOLD_SECONDS)
        return told

    def __enter__(self) -> "Stories":
        return self

    def __exit__(self, *error: object) -> None:
        self._threads.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An app that was not in its channel: before any alert, while one waited, once invited."""

    before: Condition
    waiting: Condition
    after: Condition
    message: Message
    waited_seconds: float
    told: list[str]


def play_invitation(site: Site) -> Invitation:
    """Let a message wait for an invitation; the app is invited, and nothing else is done."""
    tenant = Tenant(site)
    tenant.slack.open_channels("ops", invited=False)
    token = tenant.slack.issue_token()
    site.apply(tenant.secret(token), tenant.config(), tenant.receiver("ops"))
    before = site.await_reason(tenant.receiver_place, "NotInChannel", "Delivering")
    site.accept(alert("DiskFull", tenant.namespace))
    site.await_field(tenant.receiver_place, ".status.channels[0].pending", "1")
    waiting = site.condition(tenant.receiver_place, "Delivering")
    tenant.slack.invite("ops")
    invited_at = time.time()
    message = tenant.slack.await_message("ops", "DiskFull")
    after = site.await_reason(tenant.receiver_place, "Delivered", "Delivering")
    site.await_k8s_event("ChannelReachable", tenant.namespace)
    return Invitation(
        before=before,
        waiting=waiting,
        after=after,
        message=message,
        waited_seconds=float(message["ts"]) - invited_at,
        told=site.k8s_events(tenant.namespace),
    )


@dataclass(frozen=True, slots=True)
class Revocation:
    """A token that Slack refuses: what both objects say, and the message once there is another."""

    config: Condition
    receiver: Condition
    message: Message
    waited_seconds: float


def play_revocation(site: Site) -> Revocation:
    """Revoke the token in use, let a message wait, and put another token into the Secret."""
    tenant = Tenant(site)
    tenant.declare("ops")
    tenant.slack.revoke(tenant.token)
    site.accept(alert("DiskFull", tenant.namespace))
    config = site.await_reason(tenant.config_place, "TokenRejected")
    receiver = site.await_reason(tenant.receiver_place, "ConfigNotReady")
    site.apply(tenant.secret(tenant.slack.issue_token()))
    rotated_at = time.time()
    message = tenant.slack.await_message("ops", "DiskFull")
    site.await_ready(tenant.config_place, tenant.receiver_place)
    return Revocation(config, receiver, message, float(message["ts"]) - rotated_at)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One way for a SlackConfig to be wrong, the reason it must show, and words of the message.

    `data` are the Secret's, None: there is none; `TOKEN` stands for a good token, `WEAK` for one
    that may not post. `spec` is what the SlackConfig has besides.
    """

    name: str
    reason: str
    words: str
    data: Mapping[str, str] | None = field(default_factory=lambda: {"token": "TOKEN"})
    spec: Mapping[str, Any] = field(default_factory=dict)


FLAWS = (
    Flaw("secret-absent", "SecretNotFound", "does not exist: create it", None),
    Flaw("key-absent", "SecretKeyNotFound", "has no key token", {"tokn": "TOKEN"}),
    Flaw("empty", "TokenEmpty", "is empty: put the app's OAuth token there", {"token": ""}),
    Flaw("whitespace", "TokenHasWhitespace", "probably a line break", {"token": "TOKEN\n"}),
    Flaw("no-token", "TokenMalformed", "not shaped like a bot", {"token": "hunter2-hunter2"}),
    Flaw("rejected", "TokenRejected", "invalid_auth", {"token": "xoxb-1-unknown-to-slack"}),
    Flaw("weak", "ScopeMissing", "lacks the scope chat:write", {"token": "WEAK"}),
    Flaw(
        "elsewhere",
        "HostNotAllowed",
        "TOCSIN_ALLOWED_SLACK_HOSTS",
        spec={"api": {"url": "https://slack.example.com/api/"}},
    ),
)


@dataclass(frozen=True, slots=True)
class Repair:
    """A SlackConfig's Ready condition while it was wrong, and after it was put right."""

    wrong: Condition
    right: Condition
    repaired_at: float


def play_repairs(site: Site) -> Mapping[str, Repair]:
    """Apply a SlackConfig with each flaw, then put what is wrong right, and wait; by flaw."""
    tenant = Tenant(site)
    token = tenant.slack.issue_token()
    weak = tenant.slack.issue_token([scope for scope in SCOPES if scope != "chat:write"])
    site.tokens.update({"hunter2-hunter2", "xoxb-1-unknown-to-slack"})
    for flaw in FLAWS:
        data = {
            key: value.replace("TOKEN", token).replace("WEAK", weak)
            for key, value in (flaw.data or {}).items()
        }
        config = tenant.config(flaw.name, flaw.name, **flaw.spec)
        site.apply(*([] if flaw.data is None else [_secret(tenant, flaw.name, data)]), config)
    places = {flaw.name: f"slc/{flaw.name} {tenant.namespace}" for flaw in FLAWS}
    wrong = {flaw.name: site.await_reason(places[flaw.name], flaw.reason) for flaw in FLAWS}
    site.apply(*(_secret(tenant, flaw.name, {"token": token}) for flaw in FLAWS))
    site.apply(tenant.config("elsewhere", "elsewhere"))
    repaired_at = time.time()
    site.await_ready(*places.values())
    return {
        name: Repair(wrong[name], site.condition(place), repaired_at)
        for name, place in places.items()
    }


def _secret(tenant: Tenant, name: str, data: Mapping[str, str]) -> Document:
    metadata = {"name": name, "namespace": tenant.namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}

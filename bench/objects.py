"""The Kubernetes objects of benches: workspaces, receivers and their subscriptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

NAMESPACE: Final = "bench"
_API: Final = "tocsin.dev/v1alpha1"


@dataclass(frozen=True, slots=True)
class Waits:
    """How a subscription's groups are timed, as durations."""

    group_wait: str = "1s"
    group_interval: str = "5m"
    repeat_interval: str = "12h"

    def spec(self) -> dict[str, str]:
        """Return them as a subscription has them."""
        return {
            "groupWait": self.group_wait,
            "groupInterval": self.group_interval,
            "repeatInterval": self.repeat_interval,
        }


def workspace(
    name: str, slack_token: str, url: str, timeout: str = "10s"
) -> list[Mapping[str, Any]]:
    """Return a SlackConfig and its Secret; `url` is the base URL of a stand-in or a sink."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": {"token": slack_token},
    }
    config = {
        "apiVersion": _API,
        "kind": "SlackConfig",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "tokenSecretRef": {"name": name},
            "api": {"url": f"{url.rstrip('/')}/api/", "timeout": timeout},
        },
    }
    return [secret, config]


def receiver(
    name: str, config: str, channels: Sequence[str], subscriptions: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Return a SlackReceiver that receives by its subscriptions alone."""
    return {
        "apiVersion": _API,
        "kind": "SlackReceiver",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "configRef": {"name": config},
            "channels": list(channels),
            "builtin": [],
            "subscriptions": list(subscriptions),
        },
    }


def subscription(
    name: str, waits: Waits, matchers: Mapping[str, str] | None = None, channel: str = ""
) -> Mapping[str, Any]:
    """Return a subscription to alerts whose labels match these regular expressions."""
    conditions = [
        {"name": label, "value": value, "matchType": "=~"}
        for label, value in (matchers or {}).items()
    ]
    to = {"channels": [channel]} if channel else {}
    return {"name": name, "source": "alerts", "matchers": conditions, **waits.spec(), **to}

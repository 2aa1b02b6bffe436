"""Where pacing is measured: workspaces with one busy channel and twenty others, and their limits.

A group's number says which workspace it is for, what for, and so which channel it goes to.
"""

import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from bench import objects as kubernetes
from bench import payloads
from bench.objects import Waits

OTHERS: Final = 20
"""Channels besides the busy one; as many as there are namespaces among the alerts."""
EDITS_PER_MINUTE: Final = 50

WORKSPACE: Final = 100_000
BUSY: Final = 0
OTHER: Final = 10_000
RESOLVING: Final = 20_000
"""What group numbers begin with: the workspace's number times the first, plus one of the others."""

_POSTS_PER_MINUTE: Final = 60
_TOKEN: Final = "xoxb-pacing"
_WAITS: Final = Waits(group_wait="0s")


def workspace(number: int) -> dict[str, Any]:
    """Return a workspace, as its stand-in reads it."""
    team, user = f"T0PACING{number}", f"U0PACING{number}"
    names = ["busy", *map(_other, range(OTHERS))]
    return {
        "teams": [{"id": team, "name": f"pacing-{number}"}],
        "users": [{"id": user, "team": team, "name": "tocsin", "is_bot": True}],
        "tokens": [
            {
                "token": _TOKEN,
                "team": team,
                "user": user,
                "bot_id": f"B0PACING{number}",
                "scopes": ["chat:write", "channels:read", "groups:read", "channels:history"],
            }
        ],
        "channels": [
            {"id": f"C0PACING{place:02d}", "team": team, "name": name, "members": [user]}
            for place, name in enumerate(names)
        ],
    }


def objects(number: int, url: str) -> list[Mapping[str, Any]]:
    """Return a workspace's SlackConfig, and receivers for the busy channel and for the others."""
    name = f"pacing-{number}"
    busy = kubernetes.subscription("busy", _WAITS, {"alertname": f"{_prefix(number)}0.*"})
    others = [
        kubernetes.subscription(
            _other(place),
            _WAITS,
            {"alertname": f"{_prefix(number)}[12].*", "namespace": f"shop-{place}"},
            _other(place),
        )
        for place in range(OTHERS)
    ]
    return [
        *kubernetes.workspace(name, _TOKEN, url),
        kubernetes.receiver(f"{name}-busy", name, ["busy"], [busy]),
        kubernetes.receiver(f"{name}-others", name, [_other(0)], others),
    ]


def limit(url: str, burst: int) -> None:
    """Set a stand-in's limits: Slack's rates, and this burst."""
    rules = {
        "chat.postMessage": {"per_minute": _POSTS_PER_MINUTE, "burst": burst},
        "chat.update": {"per_minute": EDITS_PER_MINUTE, "burst": burst},
    }
    body = msgspec.json.encode({"enabled": True, "rules": rules})
    request = urllib.request.Request(f"{url}/_lab/limits", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=10):
        pass


def template(groups: Sequence[int]) -> bytes:
    """Return a body with one alert of each group, its times left open."""
    encoded = [payloads.alert(group, f"{group:06d}", "warning").template() for group in groups]
    return payloads.body_of(encoded)


def _other(place: int) -> str:
    return f"other-{place}"


def _prefix(number: int) -> str:
    return f"{payloads.GROUP_NAME}{number}"

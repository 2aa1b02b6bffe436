"""Where fault runs take place: two workspaces, ten channels, and a stand-in that fails on demand.

One workspace's token reads history, the other's may only post. Groups with even numbers go to the
first, those with odd numbers to the second; a group's channel is the last digit of its number.
"""

import urllib.request
from typing import Any, Final

import msgspec

from bench import objects as kubernetes
from bench.objects import Waits

BLIND: Final = "T0BLIND"
"""The team whose token cannot read history."""

_SIGHTED: Final = "T0SIGHTED"
_TEAMS: Final = (_SIGHTED, BLIND)
_NAMES: Final = ("sighted", "blind")
_USERS: Final = ("U0SIGHTED", "U0BLIND")
_CHANNELS: Final = 10
_SCOPES: Final = ("chat:write", "channels:read", "groups:read", "channels:history")

_WAITS: Final = Waits(group_wait="200ms", group_interval="1s", repeat_interval="12h")
_SLACK_TIMEOUT: Final = "1s"

_FAULTS: Final = (
    {"kind": "status", "status": 429, "retry_after_seconds": 1},
    {"kind": "status", "status": 500},
    {"kind": "drop_before"},
    {"kind": "drop_after"},
)
_FAULTY_METHODS: Final = (
    "chat.postMessage",
    "chat.update",
    "conversations.history",
    "conversations.replies",
)
_FAULT_SHARE: Final = 0.05
_SLOWNESS: Final = {"kind": "delay", "method": "chat.postMessage", "delay_seconds": 0.1}
"""Posts take a while at Slack; so kills find some of them under way."""


def workspace() -> dict[str, Any]:
    """Return the workspaces, as the stand-in reads them."""
    return {
        "teams": [{"id": team, "name": name} for team, name in zip(_TEAMS, _NAMES, strict=True)],
        "users": [
            {"id": user, "team": team, "name": "tocsin", "is_bot": True}
            for team, user in zip(_TEAMS, _USERS, strict=True)
        ],
        "tokens": [
            {
                "token": _token(name),
                "team": team,
                "user": user,
                "bot_id": f"B{user[1:]}",
                "scopes": _SCOPES if team == _SIGHTED else _SCOPES[:1],
            }
            for team, name, user in zip(_TEAMS, _NAMES, _USERS, strict=True)
        ],
        "channels": [
            {
                "id": f"C0FAULTS{number:02d}",
                "team": _TEAMS[number % 2],
                "name": _channel(number),
                "members": [_USERS[number % 2]],
            }
            for number in range(_CHANNELS)
        ],
    }


def objects(url: str) -> list[Any]:
    """Return a SlackConfig and a SlackReceiver for each workspace of the stand-in at `url`."""
    made: list[Any] = []
    for parity, name in enumerate(_NAMES):
        subscriptions = [
            kubernetes.subscription(
                f"to-{number}", _WAITS, {"alertname": f".*{number}"}, _channel(number)
            )
            for number in range(parity, _CHANNELS, 2)
        ]
        made += kubernetes.workspace(name, _token(name), url, _SLACK_TIMEOUT)
        made.append(kubernetes.receiver(name, name, [_channel(parity)], subscriptions))
    return made


def add_faults(url: str, seed: int | None) -> None:
    """Make the stand-in slow and, with a seed, let one request in twenty go wrong in some way."""
    faults = (
        []
        if seed is None
        else [
            {
                **fault,
                "method": method,
                "probability": _FAULT_SHARE / len(_FAULTS),
                "seed": seed + place,
            }
            for place, (method, fault) in enumerate(
                (method, fault) for method in _FAULTY_METHODS for fault in _FAULTS
            )
        ]
    )
    request = urllib.request.Request(
        f"{url}/_lab/faults", data=msgspec.json.encode([*faults, _SLOWNESS]), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


def _channel(number: int) -> str:
    return f"faults-{number}"


def _token(name: str) -> str:
    return f"xoxb-faults-{name}"

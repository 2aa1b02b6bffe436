"""What Slack was told: the stand-in's journal, read as a person would read the messages.

In: journal entries. Out: `Delivery`, one for each post or edit that was accepted, with the alerts
that it names. `bench.judging` compares them with what the senders know.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from bench.payloads import GROUP_NAME
from lab.slack.journal import Entry

_GROUP: Final = re.compile(GROUP_NAME + r"(\d+)")
_IDENTITY: Final = re.compile(r"\d{3}x\d{4}")
_OVER: Final = "✅"
_REMINDER: Final = "till firing"


class Kind(StrEnum):
    """What a delivery does in its channel."""

    FIRST = "first"
    REPLY = "reply"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A post or an edit that Slack accepted, at a time in seconds since the epoch.

    `message` is the channel's ID and the message's `ts`, of an edit the one edited; `thread_ts` is
    that of its thread, empty for a first message. `shown` are the identities of the alerts that it
    names; those in `ended` it shows as resolved. `is_over`: it says that nothing fires any more.
    `is_reminder`: it repeats what was told before and says so. `answered` is False where the answer
    was withheld by a fault.
    """

    at: float
    team: str
    kind: Kind
    group: int
    message: tuple[str, str]
    shown: frozenset[str]
    ended: frozenset[str] = frozenset()
    thread_ts: str = ""
    delivery_id: str = ""
    is_over: bool = False
    is_reminder: bool = False
    answered: bool = True


def deliveries(entries: Iterable[Entry]) -> Iterator[Delivery]:
    """Yield what was accepted, in the order of the journal."""
    for entry in entries:
        if entry.accepted and entry.method in ("chat.postMessage", "chat.update"):
            yield _delivery(entry)


def _delivery(entry: Entry) -> Delivery:
    text = entry.text or ""
    lines = [
        line for part in _texts([entry.blocks, entry.attachments]) for line in part.split("\n")
    ]
    shown = frozenset(identity for line in [text, *lines] for identity in _IDENTITY.findall(line))
    is_over = text.startswith(_OVER)
    over_lines = [line for line in lines if line.startswith(_OVER)]
    ended = frozenset(identity for line in over_lines for identity in _IDENTITY.findall(line))
    group = _GROUP.search(text)
    return Delivery(
        at=entry.at,
        team=entry.team,
        kind=_kind(entry),
        group=int(group[1]) if group else -1,
        message=(entry.channel, entry.ts),
        shown=shown,
        ended=shown if is_over else ended,
        thread_ts=entry.thread_ts,
        delivery_id=entry.metadata["event_payload"]["id"],
        is_over=is_over,
        is_reminder=_REMINDER in text,
        answered=entry.status != 0,
    )


def _kind(entry: Entry) -> Kind:
    if entry.method == "chat.update":
        return Kind.EDIT
    return Kind.REPLY if entry.thread_ts else Kind.FIRST


def _texts(content: Any) -> Iterator[str]:
    """Yield every text in blocks and attachments, wherever it stands."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(content, list):
        for each in content:
            yield from _texts(each)

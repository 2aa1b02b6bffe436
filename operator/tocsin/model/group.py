"""A group and what each of its channels has been told; stored packed (msgpack).

`Group` is one row of `groups`, `OutboxEntry` one row of `outbox`: (group, channel). Membership is
not stored: routing derives it.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import NewType

import msgspec

from tocsin.model.message import MessageRef
from tocsin.model.reason import Reason
from tocsin.model.signal import SignalId

GroupId = NewType("GroupId", bytes)
"""16 bytes: BLAKE2b-128 over receiver, entry and group labels."""


def group_id(receiver: str, entry: str, labels: Mapping[str, str]) -> GroupId:
    """Identity of a group: the receiver (`namespace/name`), its entry and the group labels."""
    parts = [receiver, entry]
    for name in sorted(labels):
        parts.append(name)
        parts.append(labels[name])
    text = "\xff".join(parts).encode("utf-8", "surrogatepass")
    return GroupId(blake2b(text, digest_size=16).digest())


class Group(msgspec.Struct, array_like=True):
    """A group's stored state.

    `receiver` is `namespace/name`; `entry` a subscription's name or `builtin/alerts`. `next_flush`
    is when it may notify next, `notified_at` when it last did, `edit_due` when its quiet edit is
    due (0: never, none is), in seconds since the epoch. `version` counts the states that were
    wanted to be shown.
    """

    id: GroupId
    receiver: str
    entry: str
    labels: dict[str, str]
    next_flush: float
    notified_at: float = 0.0
    edit_due: float = 0.0
    version: int = 0


class Operation(StrEnum):
    """What one attempt does in Slack."""

    POST = "post"
    REPLY = "reply"
    EDIT = "edit"


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """A delivery that was started and whose outcome is not known yet.

    `told` is what it adds to the notification log if it succeeds.
    `version` is the group version its text shows. `severity` the highest rank it shows.
    """

    delivery_id: str
    operation: Operation
    started_at: float
    version: int
    reason: Reason
    told: dict[SignalId, float]
    severity: int = 0


class OutboxEntry(msgspec.Struct, array_like=True):
    """What one channel is to be shown of one group, what it is shown, and what it was told.

    `channel` is as the receiver names it. `wanted` and `shown` are versions of the group; `notify`
    is the reason of a post or reply that waits. `told` is the notification log: the signals that
    the reader knows of -> their `starts_at`, negative once they were shown as resolved; `told_at`
    is when last notified (0: never), `severity` the highest rank told. `attempt` is the delivery in
    flight. `waiting_since` is when the oldest work that waits began to (0: nothing waits). `dead`
    holds why the last delivery was given up.
    """

    group: GroupId
    channel: str
    wanted: int = 0
    shown: int = 0
    notify: Reason | None = None
    ref: MessageRef | None = None
    told: dict[SignalId, float] = {}
    told_at: float = 0.0
    severity: int = 0
    attempt: Attempt | None = None
    failures: int = 0
    waiting_since: float = 0.0
    last_error: str = ""
    dead: str = ""

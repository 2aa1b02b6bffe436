"""A rendered message, where it stands in Slack, and what the renderer is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tocsin.model.reason import Reason
from tocsin.model.signal import Signal


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: within Slack's limits, escaped, complete.

    `text` is the fallback for lock screens (at most 3,000 characters here). `blocks` and
    `attachments` are Slack's own JSON shapes; both may be empty.
    """

    text: str
    blocks: Sequence[Mapping[str, Any]] = ()
    attachments: Sequence[Mapping[str, Any]] = ()


class MessageRef(msgspec.Struct, frozen=True, array_like=True):
    """Where a message stands: the channel's ID and Slack's `ts`; empty `ts` means unknown."""

    channel_id: str
    ts: str


@dataclass(frozen=True, slots=True)
class GroupView:
    """What the renderer knows of a group at the moment a post starts.

    `group_labels` are the labels that the group shares by definition (may be empty); `firing` and
    `resolved` are its signals, unordered, either may be empty, not both; instant signals are in
    `firing`. `fresh` are those of them that the reader has not been told of yet. `told_before` is
    how many earlier posts this group has had in the channel. `now` in seconds since the epoch.
    """

    receiver: str
    group_labels: Mapping[str, str]
    firing: Sequence[Signal]
    resolved: Sequence[Signal]
    now: float
    reason: Reason
    cluster: str = ""
    fresh: Sequence[Signal] = field(default=())
    told_before: int = 0

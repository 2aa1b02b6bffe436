"""What crosses the store's port: inbox rows coming out, steps going in, the image at a reload."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.model.group import Group, GroupId, OutboxEntry
from tocsin.model.signal import SignalId


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One accepted payload. `id` is a handle for deletion, never an identity or an order.

    `kind` names the parser (`alertmanager/v2`, `alertmanager/v4`), `sender` who posted it as the
    edge knows it (may be empty), `attempts` how often processing it has raised.
    """

    id: int
    accepted_at: float
    kind: str
    sender: str
    payload: bytes
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a signal, or a group, went where it went: packed, one row a subject and step.

    `subject` is a SignalId or a GroupId; `document` is msgpack: a list of
    `[receiver, entry, channel, reason]`, the channel empty where all are meant.
    """

    at: float
    subject: bytes
    document: bytes


@dataclass(slots=True)
class Step:
    """All that one step decides; commits in one transaction, in the order of submission.

    Maps are upserts by key (documents are packed, opaque to the store); sequences named `drop_*`
    are deletions. `seen`, `marks` and `tallies` map to None for a deletion. `keys` are idempotency
    keys with the time at which they were used. `tallies` are (receiver, channel) -> packed
    counters.
    Upserts apply before deletions of the same key.
    """

    signals: dict[SignalId, bytes] = field(default_factory=dict)
    drop_signals: list[SignalId] = field(default_factory=list)
    groups: dict[GroupId, bytes] = field(default_factory=dict)
    drop_groups: list[GroupId] = field(default_factory=list)
    outbox: dict[tuple[GroupId, str], bytes] = field(default_factory=dict)
    drop_outbox: list[tuple[GroupId, str]] = field(default_factory=list)
    seen: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    keys: dict[str, float] = field(default_factory=dict)
    tallies: dict[tuple[str, str], bytes | None] = field(default_factory=dict)
    marks: dict[str, bytes | None] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    done_inbox: list[int] = field(default_factory=list)
    failed_inbox: list[int] = field(default_factory=list)
    rejected_inbox: dict[int, str] = field(default_factory=dict)

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not any(getattr(self, name) for name in self.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Image:
    """All that memory is rebuilt from at a start or after a failed commit, but the signals."""

    groups: Sequence[Group]
    outbox: Sequence[OutboxEntry]
    marks: Mapping[str, bytes]
    tallies: Mapping[tuple[str, str], bytes]


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much was accepted and not yet processed."""

    rows: int
    payload_bytes: int
    oldest_accepted_at: float | None

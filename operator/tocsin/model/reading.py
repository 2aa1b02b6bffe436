"""What a source is told beside the payload, and what it answers.

Every source is a module that satisfies `Reader`; `pipeline.readers` says which kind of inbox row
goes to which. The dispatcher fetches what `seen_keys` names, calls `read`, and stores the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tocsin.model.records import InboxRow
from tocsin.model.signal import Signal, SignalId


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """The settings that sources follow.

    `cluster` names this cluster, empty where it has no name; `replica_labels` are dropped before a
    signal is identified; `resolve_timeout_seconds` is the life of an alert without an end.
    """

    cluster: str
    replica_labels: frozenset[str]
    resolve_timeout_seconds: float

    def stamp(self, labels: dict[str, str]) -> None:
        """Drop the replica labels from `labels`, and name the cluster where they do not."""
        for name in self.replica_labels:
            labels.pop(name, None)
        if self.cluster:
            labels.setdefault("cluster", self.cluster)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one inbox row says.

    `signals` are in the payload's order; one identity may come several times. `absent` are those
    that `sender_group` used to show firing and no longer shows: they have ended, unless the stored
    signal carries another `sender_group`, which has shown it since. `seen` is what to remember
    under which key (None: nothing any more); empty where nothing changed.
    """

    signals: Sequence[tuple[SignalId, Signal]]
    sender_group: str = ""
    absent: Sequence[SignalId] = ()
    seen: Mapping[str, bytes | None] = field(default_factory=dict)


class Reader(Protocol):
    """A source: how to read inbox rows of its kinds. Pure; `row.accepted_at` is its now."""

    def seen_keys(self, row: InboxRow) -> Sequence[str]:
        """Return the keys whose remembered values `read` needs; mostly none."""
        ...

    def read(self, row: InboxRow, context: ReadingContext, seen: Mapping[str, bytes]) -> Reading:
        """Return the signals of a row, given those values of `seen_keys` that exist."""
        ...

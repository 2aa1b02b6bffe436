"""Memory: the index over what the store holds, and the timers; rebuilt from SQL at every reload.

It holds ids, times and states; texts stay in the store and are read when a post starts. Owned by
the dispatcher; delivery changes the outbox entries in it, on the same event loop.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping

from tocsin.model.entry import Entry
from tocsin.model.group import Group, GroupId, OutboxEntry
from tocsin.model.signal import Signal, SignalId, Status, content_hash

_NOTHING_WITHHELD: frozenset[str] = frozenset()


class Held:
    """What memory keeps of a signal. Times in seconds since the epoch.

    `ends_at` is the lease as last heard, `stored_until` as on disk; None: held until told, by the
    Alertmanager that shows it in its group `sender_group`.
    """

    __slots__ = (
        "content",
        "ends_at",
        "groups",
        "held",
        "id",
        "sender_group",
        "severity",
        "starts_at",
        "status",
        "stored_until",
    )

    def __init__(self, key: SignalId, signal: Signal, severity: int) -> None:
        self.id = key
        self.groups: tuple[LiveGroup, ...] = ()
        self.severity = severity
        self.hear(signal)
        self.stored_until = signal.ends_at

    def hear(self, signal: Signal) -> None:
        """Take over the state of a newer record of the same signal."""
        self.content = content_hash(signal)
        self.status = signal.status
        self.starts_at = signal.starts_at
        self.ends_at = signal.ends_at
        self.held = signal.held
        self.sender_group = signal.sender_group


class LiveGroup:
    """A group in memory: its stored row, its members and its outbox.

    `members` maps signals to the channels withheld from them; `outbox` maps channels to entries.
    """

    __slots__ = ("entry", "members", "outbox", "row")

    def __init__(self, row: Group, entry: Entry) -> None:
        self.row = row
        self.entry = entry
        self.members: dict[SignalId, frozenset[str]] = {}
        self.outbox: dict[str, OutboxEntry] = {}

    @property
    def id(self) -> GroupId:
        """The group's identity."""
        return self.row.id


class Memory:
    """All signals, groups and timers; every method is O(1) or O(log n) but where it says so."""

    def __init__(self) -> None:
        self.signals: dict[SignalId, Held] = {}
        self.groups: dict[GroupId, LiveGroup] = {}
        self._of_receiver: dict[str, dict[GroupId, LiveGroup]] = {}
        self._flushes: list[tuple[float, GroupId]] = []
        self._leases: list[tuple[float, SignalId]] = []

    def add_group(self, group: LiveGroup) -> None:
        """Take a new or reloaded group in, and its timers."""
        self.groups[group.id] = group
        self._of_receiver.setdefault(group.row.receiver, {})[group.id] = group
        self.schedule(group)

    def remove_group(self, group: LiveGroup) -> list[SignalId]:
        """Forget a group; return its members that no group holds any more. O(members)."""
        self.groups.pop(group.id, None)
        of_receiver = self._of_receiver.get(group.row.receiver, {})
        of_receiver.pop(group.id, None)
        if not of_receiver:
            self._of_receiver.pop(group.row.receiver, None)
        return [key for key in list(group.members) if not self.leave(key, group)]

    def groups_of(self, receiver: str) -> list[LiveGroup]:
        """Return a receiver's groups (`namespace/name`), in no order."""
        return list(self._of_receiver.get(receiver, {}).values())

    def receivers(self) -> set[str]:
        """Return the receivers that have groups."""
        return set(self._of_receiver)

    def join(
        self, held: Held, group: LiveGroup, withheld: frozenset[str] = _NOTHING_WITHHELD
    ) -> None:
        """Make a signal a member of a group."""
        if held.id not in group.members:
            held.groups += (group,)
        group.members[held.id] = withheld or _NOTHING_WITHHELD

    def leave(self, key: SignalId, group: LiveGroup) -> bool:
        """End a membership; return whether the signal is still in some group."""
        group.members.pop(key, None)
        held = self.signals.get(key)
        if held is None:
            return False
        held.groups = tuple(other for other in held.groups if other is not group)
        return bool(held.groups)

    def schedule(self, group: LiveGroup) -> None:
        """Set the group's timer by its row's `next_flush` and `edit_due`."""
        due = group.row.next_flush
        if group.row.edit_due:
            due = min(due, group.row.edit_due)
        heapq.heappush(self._flushes, (due, group.id))

    def due_groups(self, now: float, limit: int) -> Iterator[LiveGroup]:
        """Yield up to `limit` groups whose timer is up, the longest due first."""
        while limit and self._flushes and self._flushes[0][0] <= now:
            due, key = heapq.heappop(self._flushes)
            group = self.groups.get(key)
            if group is None or due != _due(group.row):
                continue  # gone, or scheduled anew since
            limit -= 1
            yield group

    def watch_lease(self, held: Held) -> None:
        """Set the timer that resolves a firing signal by the clock."""
        if held.status is Status.FIRING and held.ends_at is not None:
            heapq.heappush(self._leases, (held.ends_at, held.id))

    def ended_leases(self, now: float, limit: int) -> list[Held]:
        """Return up to `limit` firing signals whose lease is over, and set longer ones anew."""
        ended: list[Held] = []
        while len(ended) < limit and self._leases and self._leases[0][0] <= now:
            _, key = heapq.heappop(self._leases)
            held = self.signals.get(key)
            if held is None or held.status is not Status.FIRING or held.ends_at is None:
                continue
            if held.ends_at > now:
                heapq.heappush(self._leases, (held.ends_at, key))
            else:
                ended.append(held)
        return ended

    def next_timer(self) -> float | None:
        """Return when the next flush or lease is due, in seconds since the epoch."""
        heads = [heap[0][0] for heap in (self._flushes, self._leases) if heap]
        return min(heads, default=None)

    def counts(self) -> Mapping[str, int]:
        """Return how many groups and signals there are, for metrics. O(signals)."""
        firing = sum(held.status is Status.FIRING for held in self.signals.values())
        return {"groups": len(self.groups), "signals": len(self.signals), "firing": firing}


def _due(row: Group) -> float:
    return min(row.next_flush, row.edit_due) if row.edit_due else row.next_flush


def outbox_of(groups: Iterable[LiveGroup]) -> Iterator[tuple[LiveGroup, OutboxEntry]]:
    """Yield every outbox entry with its group."""
    for group in groups:
        for entry in group.outbox.values():
            yield group, entry

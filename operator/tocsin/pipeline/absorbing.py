"""Absorbing: what signals change in memory and groups; all that is decided goes into a step.

Called by the dispatcher with what sources read, and when leases end.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from tocsin.model.entry import Entry
from tocsin.model.group import Group, GroupId, group_id
from tocsin.model.reason import Reason
from tocsin.model.records import Decision, Step
from tocsin.model.severity import severity_rank
from tocsin.model.signal import Signal, SignalId, Status, content_hash, decode_signal, encode_signal
from tocsin.pipeline.flushing import EDIT_DEBOUNCE_SECONDS
from tocsin.pipeline.memory import Held, LiveGroup, Memory
from tocsin.pipeline.ports import Telemetry
from tocsin.pipeline.texts import Texts
from tocsin.stages.grouping import first_flush, group_labels, later_flush
from tocsin.stages.merging import merge
from tocsin.stages.routing import Route, Routes

_encoder: Final = msgspec.msgpack.Encoder()


class Absorber:
    """Takes signals in; `routes` is replaced whenever the resources change."""

    def __init__(self, memory: Memory, texts: Texts, telemetry: Telemetry) -> None:
        self._memory = memory
        self._texts = texts
        self._telemetry = telemetry
        self.routes = Routes((), frozenset())

    def absorb(self, key: SignalId, signal: Signal, step: Step) -> None:
        """Take in one record of a signal: new, changed, ended, begun again, or merely repeated."""
        held = self._memory.signals.get(key)
        if held is None:
            self._begin(key, signal, step)
            return
        merged = merge(_as_signal(held, signal), signal)
        if (
            merged.status is held.status
            and merged.starts_at == held.starts_at
            and content_hash(merged) == held.content
        ):
            self._extend(held, merged, step)
            return
        began = merged.status is not Status.RESOLVED and (
            held.status is Status.RESOLVED or merged.starts_at != held.starts_at
        )
        held.hear(merged)
        self._store(held, merged, step)
        self._memory.watch_lease(held)
        if began:
            self._route(held, merged, step)
        for group in held.groups:
            self._touch(group, merged, step, loud=began)
        self._drop_if_over(held, step)

    def resolve(self, held: Held, document: bytes, at: float, step: Step) -> None:
        """End a firing signal whose packed text is `document`: its lease is over, or its sender
        no longer shows it.
        """
        signal = decode_signal(document)
        ended = msgspec.structs.replace(
            signal, status=Status.RESOLVED, starts_at=held.starts_at, ends_at=at, updated_at=at
        )
        held.hear(ended)
        self._store(held, ended, step)
        for group in held.groups:
            self._touch(group, ended, step, loud=False)
        self._drop_if_over(held, step)

    def place(
        self,
        held: Held,
        signal: Signal,
        routes: Iterable[Route],
        step: Step,
        *,
        opens: bool = True,
    ) -> list[LiveGroup]:
        """Make a signal a member of the groups that its routes name.

        Groups that do not exist are opened, unless `opens` is false. Returns the groups that
        existed and that it is new in.
        """
        joined = []
        for route in routes:
            labels = group_labels(route.entry, signal)
            key = group_id(route.entry.receiver, route.entry.name, labels)
            group = self._memory.groups.get(key)
            if group is None:
                if not opens:
                    continue
                group = self._open(key, route.entry, labels, signal, step)
            elif held.id not in group.members:
                joined.append(group)
            self._memory.join(held, group, route.withheld)
        return joined

    def _begin(self, key: SignalId, signal: Signal, step: Step) -> None:
        if signal.status is Status.RESOLVED:
            return  # never heard of while it fired: nobody can miss it
        held = Held(key, signal, severity_rank(signal.labels))
        self._memory.signals[key] = held
        self._store(held, signal, step)
        self._memory.watch_lease(held)
        for group in self._route(held, signal, step):
            self._touch(group, signal, step, loud=True)
        self._drop_if_over(held, step)

    def _route(self, held: Held, signal: Signal, step: Step) -> list[LiveGroup]:
        routes = self.routes.route(signal)
        decided = [_decided(route.entry) for route in routes] or [("", "", "", Reason.NO_MATCH)]
        for *_, reason in decided:
            self._telemetry.decided(reason)
        step.decisions.append(Decision(signal.updated_at, held.id, _encoder.encode(decided)))
        return self.place(held, signal, routes, step)

    def _open(
        self,
        key: GroupId,
        entry: Entry,
        labels: Mapping[str, str],
        signal: Signal,
        step: Step,
    ) -> LiveGroup:
        row = Group(key, entry.receiver, entry.name, dict(labels), first_flush(entry, signal))
        group = LiveGroup(row, entry)
        self._memory.add_group(group)
        step.groups[key] = _encoder.encode(row)
        return group

    def _touch(self, group: LiveGroup, signal: Signal, step: Step, *, loud: bool) -> None:
        """Plan a quiet edit of what is shown already, and, where `loud`, a notification."""
        row = group.row
        before = (row.next_flush, row.edit_due)
        ended = signal.status is Status.RESOLVED
        if group.outbox and not row.edit_due and (group.entry.send_resolved or not ended):
            row.edit_due = signal.updated_at + EDIT_DEBOUNCE_SECONDS
        if loud:
            row.next_flush = min(row.next_flush, later_flush(group.entry, signal, row.notified_at))
        if (row.next_flush, row.edit_due) != before:
            self._memory.schedule(group)
            step.groups[row.id] = _encoder.encode(row)

    def _extend(self, held: Held, signal: Signal, step: Step) -> None:
        """Hold a lease for longer; write it once half of the stored validity has passed."""
        if signal.ends_at == held.ends_at:
            return
        shorter = held.ends_at is None or (signal.ends_at or held.ends_at) < held.ends_at
        held.ends_at = signal.ends_at
        if shorter:  # of a longer one the timer that is set takes care
            self._memory.watch_lease(held)
        if _is_worth_storing(held.stored_until, signal):
            self._store(held, signal, step)

    def _store(self, held: Held, signal: Signal, step: Step) -> None:
        document = encode_signal(signal)
        held.stored_until = signal.ends_at
        step.signals[held.id] = document
        self._texts.put(held.id, document)

    def _drop_if_over(self, held: Held, step: Step) -> None:
        """Forget a signal that nobody will be told of: it is over, and in no group."""
        if held.groups or held.status is Status.FIRING:
            return
        self._memory.signals.pop(held.id, None)
        self._texts.forget(held.id)
        step.signals.pop(held.id, None)
        step.drop_signals.append(held.id)


def _as_signal(held: Held, signal: Signal) -> Signal:
    """Return what is held as a record with the texts of its newer one, for merging."""
    return msgspec.structs.replace(
        signal,
        status=held.status,
        starts_at=held.starts_at,
        ends_at=held.ends_at,
        held=held.held,
        sender_group=held.sender_group,
    )


def _is_worth_storing(stored_until: float | None, signal: Signal) -> bool:
    """Whether less than half of a lease is stored."""
    if stored_until is None or signal.ends_at is None:
        return True
    now = signal.updated_at
    return stored_until - now < (signal.ends_at - now) / 2


def _decided(entry: Entry) -> tuple[str, str, str, Reason]:
    reason = Reason.ROUTED if entry.enabled else Reason.RECEIVER_DISABLED
    return (entry.receiver, entry.name, "", reason)

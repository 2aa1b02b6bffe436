"""One flush of one group: from its members to what each channel is wanted to be shown.

Called by the dispatcher when a group's timer is up; changes memory and the step, nothing else.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from tocsin.model.entry import Entry
from tocsin.model.group import OutboxEntry
from tocsin.model.reason import Reason
from tocsin.model.records import Decision, Step
from tocsin.model.signal import SignalId, Status
from tocsin.pipeline.memory import LiveGroup, Memory
from tocsin.pipeline.ports import Telemetry
from tocsin.pipeline.texts import Texts
from tocsin.stages.deduping import TOLD_RESOLVED, Present, Told, decide
from tocsin.stages.time_muting import muted

EDIT_DEBOUNCE_SECONDS: Final = 2.0
"""How long a quiet edit waits for further changes, which it then shows as well."""

_encoder: Final = msgspec.msgpack.Encoder()

Targets = Callable[[Entry], Sequence[str]]
"""The channels of an entry, each once, also where two of its names mean one channel."""


class Flusher:
    """Flushes groups; `targets` tells an entry's channels."""

    def __init__(
        self, memory: Memory, texts: Texts, targets: Targets, telemetry: Telemetry
    ) -> None:
        self._memory = memory
        self._texts = texts
        self._telemetry = telemetry
        self._targets = targets

    def flush(self, group: LiveGroup, now: float, step: Step) -> list[OutboxEntry]:
        """Decide for each channel; return the outbox entries that have new work to deliver.

        The group's next timer is set, or the group is ended and forgotten.
        """
        notify_due = group.row.next_flush <= now
        edit_due = bool(group.row.edit_due) and group.row.edit_due <= now
        work: list[OutboxEntry] = []
        if not group.entry.enabled:
            self._hold(group, step)
        else:
            if edit_due:
                work += _edit(group, now)
            if notify_due:
                work += self._notify(group, now, step)
        for entry in work:
            step.outbox[group.id, entry.channel] = _encoder.encode(entry)
        if notify_due and self._is_over(group, now):
            self.end(group, step)
        else:
            self._reschedule(group, now, notify_due)
            if work or edit_due:
                step.groups[group.id] = _encoder.encode(group.row)
        return work

    def _notify(self, group: LiveGroup, now: float, step: Step) -> list[OutboxEntry]:
        quiet = muted(group.entry, now)
        if quiet is not None:
            self._telemetry.decided(quiet)
            step.decisions.append(_decision(now, group, [("", quiet)]))
            return []
        work: list[OutboxEntry] = []
        reasons: list[tuple[str, Reason]] = []
        shared = present(self._memory, group)
        for channel in self._targets(group.entry):
            seen = shared
            if any(group.members.values()):
                seen = present(self._memory, group, channel)
            entry = group.outbox.get(channel)
            reason = _decide(group, entry, seen, now)
            if reason is Reason.UNCHANGED:
                continue
            reasons.append((channel, reason))
            self._telemetry.decided(reason)
            if entry is None:
                entry = group.outbox[channel] = OutboxEntry(group.id, channel)
            entry.notify = reason
            entry.dead = ""
            entry.wanted = group.row.version
            entry.waiting_since = entry.waiting_since or now
            work.append(entry)
        if work:
            group.row.notified_at = now
            step.decisions.append(_decision(now, group, reasons))
        return work

    def _is_over(self, group: LiveGroup, now: float) -> bool:
        """Whether nothing fires, everyone was told so, and a re-fire would be a new story."""
        seen = present(self._memory, group)
        if seen.repeats:
            return False
        if now < group.row.notified_at + group.entry.timing.group_interval:
            return False
        return all(
            _is_settled(group, group.outbox.get(channel), seen)
            for channel in self._targets(group.entry)
        )

    def end(self, group: LiveGroup, step: Step) -> None:
        """Forget a group, and the signals that only it held and that are over."""
        orphans = self._memory.remove_group(group)
        step.drop_groups.append(group.id)
        step.groups.pop(group.id, None)
        for channel in group.outbox:
            step.outbox.pop((group.id, channel), None)
            step.drop_outbox.append((group.id, channel))
        self._drop_if_over(orphans, step)

    def resume(self, group: LiveGroup, now: float, step: Step) -> None:
        """Take up a group whose receiver is enabled again.

        What it missed is not told; what its messages show is brought up to date.
        """
        self._forget_missed(group, step)
        group.row.edit_due = now

    def _hold(self, group: LiveGroup, step: Step) -> None:
        """Let nothing wait while the receiver is disabled: it is decided anew later."""
        group.row.edit_due = 0.0
        for entry in group.outbox.values():
            if entry.notify is not None and entry.attempt is None:
                entry.notify = None
                entry.waiting_since = 0.0
                step.outbox[group.id, entry.channel] = _encoder.encode(entry)
        self._forget_missed(group, step)

    def _forget_missed(self, group: LiveGroup, step: Step) -> None:
        """Drop what began and ended, or happened, while the receiver was disabled.

        The end of what some channel was told of is not among that: its message still says firing.
        """
        told = [known.signals for known in map(_told, group.outbox.values()) if known]
        missed = [
            key
            for key in group.members
            if self._memory.signals[key].status is not Status.FIRING
            and not any(key in signals for signals in told)
        ]
        for key in missed:
            self._memory.leave(key, group)
        self._drop_if_over(missed, step)

    def _drop_if_over(self, keys: Sequence[SignalId], step: Step) -> None:
        for key in keys:
            held = self._memory.signals[key]
            if held.status is not Status.FIRING and not held.groups:
                del self._memory.signals[key]
                self._texts.forget(key)
                step.signals.pop(key, None)
                step.drop_signals.append(key)

    def _reschedule(self, group: LiveGroup, now: float, notify_due: bool) -> None:
        row = group.row
        if notify_due:
            row.next_flush = now + group.entry.timing.group_interval
        self._memory.schedule(group)


def present(memory: Memory, group: LiveGroup, channel: str = "") -> Present:
    """Return the group's signals, without those that are withheld from `channel`. O(members)."""
    firing: dict[SignalId, float] = {}
    resolved: list[SignalId] = []
    severity, repeats = 0, False
    for key, withheld in group.members.items():
        if channel in withheld:
            continue
        held = memory.signals[key]
        if held.status is Status.RESOLVED:
            resolved.append(key)
            continue
        firing[key] = held.starts_at
        severity = max(severity, held.severity)
        repeats = repeats or held.status is Status.FIRING
    return Present(firing, frozenset(resolved), repeats, severity)


def edits(entry: Entry) -> bool:
    """Whether changes of an entry's groups are shown by editing their first message."""
    return entry.updates != "Post"


def _decide(group: LiveGroup, entry: OutboxEntry | None, seen: Present, now: float) -> Reason:
    """Dedupe against the notification log and what is on its way."""
    if entry is None:
        reason = decide(None, seen, now, 0, edits=True)
    else:
        if entry.notify is not None:
            return Reason.UNCHANGED  # what waits will show the newest state
        told = _told(entry)
        repeat = group.entry.timing.repeat_interval
        reason = decide(told, seen, now, repeat, edits=edits(group.entry))
    if group.entry.updates == "Edit" and reason is not Reason.FIRST:
        return Reason.UNCHANGED
    if reason is Reason.ALL_RESOLVED and not group.entry.send_resolved:
        return Reason.UNCHANGED
    return reason


def _told(entry: OutboxEntry) -> Told | None:
    if entry.attempt is not None:
        told = {**entry.told, **entry.attempt.told}
        severity = max(entry.severity, entry.attempt.severity)
        return Told(told, entry.attempt.started_at, severity)
    return Told(entry.told, entry.told_at, entry.severity) if entry.told_at else None


def _edit(group: LiveGroup, now: float) -> list[OutboxEntry]:
    """Want a new state shown wherever a message stands or is under way."""
    group.row.edit_due = 0.0
    group.row.version += 1
    work = []
    if edits(group.entry):
        for entry in group.outbox.values():
            if entry.ref is not None or entry.attempt is not None:
                entry.wanted = group.row.version
                entry.waiting_since = entry.waiting_since or now
                work.append(entry)
    return work


def _is_settled(group: LiveGroup, entry: OutboxEntry | None, seen: Present) -> bool:
    if entry is None:
        return not seen.firing and not seen.resolved
    if entry.dead:
        return True
    if entry.attempt is not None or entry.notify is not None or entry.shown != entry.wanted:
        return False
    told = entry.told
    if any(told.get(key) != starts_at for key, starts_at in seen.firing.items()):
        return False
    return not group.entry.send_resolved or all(
        told.get(key) == TOLD_RESOLVED for key in seen.resolved
    )


def _decision(now: float, group: LiveGroup, reasons: list[tuple[str, Reason]]) -> Decision:
    receiver, entry = group.row.receiver, group.row.entry
    document = [(receiver, entry, channel, reason.value) for channel, reason in reasons]
    return Decision(now, group.id, _encoder.encode(document))

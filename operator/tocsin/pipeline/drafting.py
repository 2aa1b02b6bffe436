"""Drafts: what one attempt says, made when it starts, so that a backlog never sends stale text.

Called by delivery. Decides between post, reply and edit, and what the reader will have been told.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.model.group import Operation, OutboxEntry
from tocsin.model.message import GroupView, Message
from tocsin.model.reason import Reason
from tocsin.model.signal import Signal, SignalId, Status, decode_signal
from tocsin.pipeline.memory import LiveGroup, Memory
from tocsin.stages.deduping import TOLD_RESOLVED
from tocsin.stages.rendering import render_reply, render_state


@dataclass(frozen=True, slots=True)
class Draft:
    """A message and what it adds to the notification log; `severity` is the highest it shows."""

    message: Message
    told: dict[SignalId, float]
    severity: int


def next_operation(group: LiveGroup, entry: OutboxEntry) -> Operation | None:
    """Return what is to be done for a channel now, None while nothing is or an attempt runs."""
    if entry.attempt is not None or not group.entry.enabled:
        return None
    if entry.notify is not None:
        in_thread = entry.ref is not None and group.entry.updates == "Thread"
        return Operation.REPLY if in_thread else Operation.POST
    if entry.ref is not None and entry.shown < entry.wanted:
        return Operation.EDIT
    return None


def shown_members(group: LiveGroup, channel: str) -> list[SignalId]:
    """Return the members that a channel is to see. O(members)."""
    return [key for key, withheld in group.members.items() if channel not in withheld]


def draft(
    memory: Memory,
    group: LiveGroup,
    entry: OutboxEntry,
    operation: Operation,
    documents: Mapping[SignalId, bytes],
    now: float,
) -> Draft | None:
    """Render the group as it is now; None where nothing of it is left to show.

    `documents` holds the packed text of every member to show; one that is missing is left out.
    """
    firing: list[Signal] = []
    fresh: list[Signal] = []
    resolved: list[Signal] = []
    told: dict[SignalId, float] = {}
    severity = 0
    loud = operation is not Operation.EDIT or group.entry.updates == "Edit"
    for key, document in documents.items():
        held = memory.signals[key]
        signal = decode_signal(document)
        known = entry.told.get(key)
        if held.status is Status.RESOLVED:
            resolved.append(signal)
            if known != TOLD_RESOLVED and operation is not Operation.REPLY:
                told[key] = TOLD_RESOLVED
            continue
        firing.append(signal)
        severity = max(severity, held.severity)
        if known != held.starts_at:
            fresh.append(signal)
            if loud:
                told[key] = held.starts_at
    if not firing and (not resolved or operation is Operation.REPLY):
        return None
    view = GroupView(
        receiver=group.row.receiver,
        group_labels=group.row.labels,
        firing=firing,
        resolved=resolved,
        now=now,
        reason=_reason(entry, operation),
        cluster=group.row.labels.get("cluster", ""),
        fresh=fresh,
    )
    render = render_reply if operation is Operation.REPLY else render_state
    return Draft(render(view), told, severity)


def _reason(entry: OutboxEntry, operation: Operation) -> Reason:
    if operation is Operation.EDIT or entry.notify is None:
        return Reason.STATE_CHANGED
    return entry.notify

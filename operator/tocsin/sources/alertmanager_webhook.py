"""Alerts as an Alertmanager's webhook posts them (version 4): one group, told of when it changes.

In: a payload. Out: at the edge what of it is valid (`check`), from the dispatcher its signals
(`read`). Nothing ends by the clock here: `endsAt` is zero while an alert fires, and Alertmanager
may say nothing for hours. An alert ends by `status: resolved`, or by its absence from a later
complete payload of the same group. Follows `notify/webhook/webhook.go` and `template.Data` of
Alertmanager 0.34; KubeSphere's Alertmanager posts the same.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from tocsin.errors import PayloadRejected
from tocsin.model.alert_wire import (
    Checked,
    Refused,
    Times,
    WireAlert,
    decode,
    labels_fault,
    quoted,
    without_empty,
)
from tocsin.model.reading import Reading, ReadingContext
from tocsin.model.records import InboxRow
from tocsin.model.shown import compare
from tocsin.model.signal import Signal, SignalId, Source, Status, signal_id

KIND: Final = "alertmanager/v4"
INSTANT_KIND: Final = "alertmanager/v4-instant"
"""Of a sender that says nothing of resolved alerts: each is told once, and none of them ends."""

_KUBESPHERE_INSTANT: Final = frozenset({"event", "auditing"})
"""Values of label `alerttype` that KubeSphere routes with `send_resolved: false`."""


class _Group(msgspec.Struct, rename="camel", omit_defaults=True):
    """What tells one Alertmanager's group from another."""

    group_key: str | None = None
    receiver: str | None = None
    external_url: str | None = msgspec.field(name="externalURL", default=None)


class _Payload(_Group, rename="camel", omit_defaults=True):
    """The posted object; `status` counts for alerts that have none of their own."""

    version: str | None = None
    status: str | None = None
    truncated_alerts: int | None = None
    alerts: list[WireAlert] | None = None


_decoder: Final = msgspec.json.Decoder(_Payload)
_group_decoder: Final = msgspec.json.Decoder(_Group)
_encoder: Final = msgspec.json.Encoder()


def check(payload: bytes) -> Checked | Refused:
    """Judge a posted object; alerts that are wrong in themselves are left out of the rest.

    Then the rest counts as truncated, so that nothing is taken for absent that was only unclear.
    """
    try:
        posted, payload = decode(_decoder, payload)
    except PayloadRejected as error:
        return _unknown(str(error))
    if posted.version not in (None, "", "4"):
        return _unknown(f"version {quoted(posted.version)} is not known here, only 4 is")
    if posted.alerts is None:
        return _unknown("alerts in body is required")
    times = Times()
    faults = [_fault(alert, times) for alert in posted.alerts]
    valid = [alert for alert, fault in zip(posted.alerts, faults, strict=True) if not fault]
    resolved = sum(_is_resolved(alert, posted) for alert in posted.alerts)
    firing = len(faults) - resolved
    if not valid:
        payload = b""
    elif len(valid) < len(faults):
        posted.alerts = valid
        posted.truncated_alerts = (posted.truncated_alerts or 0) + len(faults) - len(valid)
        payload = _encoder.encode(posted)
    return Checked(payload, firing, resolved, tuple(fault for fault in faults if fault))


def seen_keys(row: InboxRow) -> Sequence[str]:
    """Return the key of what the row's group has shown firing so far, if that is kept."""
    group = _sender_group(row, _group_decoder.decode(row.payload))
    return (group,) if group and row.kind != INSTANT_KIND else ()


def read(row: InboxRow, context: ReadingContext, seen: Mapping[str, bytes]) -> Reading:
    """Return the alerts of a stored object, in its order, and those that are absent from it.

    `seen` holds, under the group's key, which signals it last showed firing (see `model.shown`). A
    payload without a group key says nothing by absence.
    """
    post = _Post(row, context)
    signals = post.signals()
    if not post.group or row.kind == INSTANT_KIND:
        return Reading(signals, post.group)
    before = seen.get(post.group, b"")
    absent, after = compare(before, signals, is_complete=not post.payload.truncated_alerts)
    changed = {} if after == before else {post.group: after or None}
    return Reading(signals, post.group, absent, changed)


class _Post:
    """One stored payload on its way to signals."""

    def __init__(self, row: InboxRow, context: ReadingContext) -> None:
        self._row = row
        self._context = context
        self._times = Times()
        self.payload = _decoder.decode(row.payload)
        self.group = _sender_group(row, self.payload)

    def signals(self) -> list[tuple[SignalId, Signal]]:
        """Return the signals of all alerts but the ends of those that have no end."""
        signals: list[tuple[SignalId, Signal]] = []
        for alert in self.payload.alerts or ():
            labels = without_empty(alert.labels)
            self._context.stamp(labels)
            status = self._status(alert, labels)
            if status is None:
                continue
            starts_at, ends_at = self._span(alert, status)
            is_instant = status is Status.INSTANT
            signal = Signal(
                source=Source.ALERTS,
                labels=labels,
                annotations=without_empty(alert.annotations),
                status=status,
                starts_at=starts_at,
                ends_at=ends_at,
                updated_at=self._row.accepted_at,
                namespace=labels.get("namespace", ""),
                generator_url=alert.generator_url or "",
                held=True,
                sender_group=self.group,
                idempotency_key=_idempotency_key(labels, starts_at) if is_instant else "",
            )
            signals.append((signal_id(Source.ALERTS, labels, signal.idempotency_key), signal))
        return signals

    def _status(self, alert: WireAlert, labels: Mapping[str, str]) -> Status | None:
        """Return an alert's status, None for the end of what has no end."""
        is_resolved = _is_resolved(alert, self.payload)
        if self._row.kind == INSTANT_KIND or labels.get("alerttype") in _KUBESPHERE_INSTANT:
            return None if is_resolved else Status.INSTANT
        return Status.RESOLVED if is_resolved else Status.FIRING

    def _span(self, alert: WireAlert, status: Status) -> tuple[float, float | None]:
        """Return when an alert started and ended; what its sender left out counts as now."""
        now = self._row.accepted_at
        starts_at = self._times[alert.starts_at]
        if status is Status.RESOLVED:
            told = self._times[alert.ends_at]
            ends_at = now if told is None else told
            return ends_at if starts_at is None else starts_at, ends_at
        if starts_at is None:
            starts_at = now
        return starts_at, starts_at if status is Status.INSTANT else None


def _idempotency_key(labels: Mapping[str, str], starts_at: float) -> str:
    return f"alertmanager/{signal_id(Source.ALERTS, labels, str(starts_at)).hex()}"


def _sender_group(row: InboxRow, group: _Group) -> str:
    """Return the identity of the sending Alertmanager's group, empty where it names none."""
    if not group.group_key:
        return ""
    parts = (row.sender, group.external_url or "", group.receiver or "", group.group_key)
    return blake2b("\xff".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _is_resolved(alert: WireAlert, posted: _Payload) -> bool:
    return (alert.status or posted.status) == "resolved"


def _fault(alert: WireAlert, times: Times) -> str:
    """Return why an alert cannot be taken, empty where it can."""
    try:
        times[alert.starts_at], times[alert.ends_at]
    except ValueError as error:
        return str(error)
    return labels_fault(alert)


def _unknown(why: str) -> Refused:
    return Refused(400, f"not a webhook payload of Alertmanager: {why}")

"""Alerts as Prometheus posts them to Alertmanager's API v2: a JSON array.

In: a payload. Out: at the edge what of it is valid (`check`), from the dispatcher its signals
(`read`). Such alerts end by their `endsAt`, or by the resolve timeout where they have none.
Follows `postAlertsHandler` of Alertmanager 0.34 (`api/v2/api.go`) and what a running 0.25 answers.
"""

import re
from collections.abc import Mapping, Sequence
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
from tocsin.model.signal import Signal, SignalId, Source, Status, signal_id

KIND: Final = "alertmanager/v2"

_decoder: Final = msgspec.json.Decoder(list[WireAlert] | None)
_encoder: Final = msgspec.json.Encoder()

# What url.ParseRequestURI of Go takes: an absolute path, or a scheme and what belongs to it.
_PATH: Final = r"(?:[^%?\x00-\x1f\x7f]|%[0-9A-Fa-f]{2})*"
_USER: Final = r"(?:[\w.~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*"
_HOST: Final = r"""(?:[\w.~!$&'()*+,;=<>"-]|[^\x00-\x7f]|%[89A-Fa-f][0-9A-Fa-f])*"""
_IPV6: Final = r"\[[0-9A-Fa-f:.]+(?:%25[\w.~-]+)?\]"
_AUTHORITY: Final = rf"(?:{_USER}@)?(?:{_IPV6}|{_HOST})(?::[0-9]*)?"
_HIERARCHY: Final = rf"//{_AUTHORITY}(?:/{_PATH})?|/(?!/){_PATH}|(?!/)[^?\x00-\x1f\x7f]*"
_URI: Final = re.compile(
    rf"(?:/{_PATH}|[A-Za-z][A-Za-z0-9+.-]*:(?:{_HIERARCHY}))(?:\?[^\x00-\x1f\x7f]*)?", re.ASCII
)


def check(payload: bytes, now: float, resolve_timeout_seconds: float) -> Checked | Refused:
    """Judge a posted array as Alertmanager does.

    A wrong shape refuses all of it; alerts that are wrong in themselves are left out of the rest.
    """
    if not payload.strip():
        return Refused(602, "alerts in body is required")
    try:
        alerts, payload = decode(_decoder, payload)
    except PayloadRejected as error:
        return _not_parsed(str(error))
    valid: list[WireAlert] = []
    faults: list[str] = []
    firing = 0
    refused: Refused | None = None
    times = Times()
    uris: set[str] = set()
    for index, alert in enumerate(alerts or ()):
        refused = refused or _shape_fault(index, alert, uris)
        try:
            starts_at, ends_at = _span(alert, times, now, resolve_timeout_seconds)
        except ValueError as error:
            return _not_parsed(str(error))
        firing += ends_at > now
        late = "start time must be before end time" if ends_at < starts_at else ""
        fault = late or labels_fault(alert)
        if fault:
            faults.append(fault)
        else:
            valid.append(alert)
    if refused is not None:
        return refused
    if not valid:
        payload = b""
    elif faults:
        payload = _encoder.encode(valid)
    return Checked(payload, firing, len(valid) + len(faults) - firing, tuple(faults))


def seen_keys(row: InboxRow) -> Sequence[str]:  # noqa: ARG001 - as every Reader
    """Return nothing: these alerts end by the clock, so nothing need be remembered."""
    return ()


def read(
    row: InboxRow,
    context: ReadingContext,
    seen: Mapping[str, bytes],  # noqa: ARG001 - as every Reader
) -> Reading:
    """Return the alerts of a stored array, in its order, firing or resolved at `accepted_at`."""
    alerts = _decoder.decode(row.payload) or ()
    times = Times()
    return Reading([_signal(alert, times, row.accepted_at, context) for alert in alerts])


def _signal(
    alert: WireAlert, times: Times, now: float, context: ReadingContext
) -> tuple[SignalId, Signal]:
    labels = without_empty(alert.labels)
    context.stamp(labels)
    starts_at, ends_at = _span(alert, times, now, context.resolve_timeout_seconds)
    signal = Signal(
        source=Source.ALERTS,
        labels=labels,
        annotations=without_empty(alert.annotations),
        status=Status.FIRING if ends_at > now else Status.RESOLVED,
        starts_at=starts_at,
        ends_at=ends_at,
        updated_at=now,
        namespace=labels.get("namespace", ""),
        generator_url=alert.generator_url or "",
    )
    return signal_id(Source.ALERTS, labels), signal


def _span(
    alert: WireAlert, times: Times, now: float, timeout_seconds: float
) -> tuple[float, float]:
    """Return when an alert started and when it ends, by Alertmanager's rules for what is absent."""
    starts_at = times[alert.starts_at]
    ends_at = times[alert.ends_at]
    if starts_at is None:
        starts_at = now if ends_at is None else ends_at
    return starts_at, now + timeout_seconds if ends_at is None else ends_at


def _shape_fault(index: int, alert: WireAlert, uris: set[str]) -> Refused | None:
    """Check what Alertmanager's OpenAPI schema demands; `uris` are known to be good."""
    uri = alert.generator_url
    if uri and uri not in uris:
        if _URI.fullmatch(uri) is None:
            name = f"{index}.generatorURL"
            return Refused(601, f"{name} in body must be of type uri: {quoted(uri)}")
        uris.add(uri)
    if alert.labels is None:
        return Refused(602, f"{index}.labels in body is required")
    return None


def _not_parsed(why: str) -> Refused:
    return Refused(400, f'parsing alerts body from "" failed, because {why}')

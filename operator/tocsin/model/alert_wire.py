"""Alerts as they travel: the JSON that Prometheus and Alertmanager post, and its small print.

Shared by the two sources that read it, `alertmanager_api` and `alertmanager_webhook`. Follows
Alertmanager 0.34: `api/v2/openapi.yaml`, `api/v2/api.go`, `template/template.go`.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar, cast

import msgspec

from tocsin.errors import PayloadRejected

_T = TypeVar("_T")
_ZERO_TIME_SECONDS: Final = datetime(1, 1, 1, tzinfo=UTC).timestamp()
_QUOTED_CHARACTERS: Final = 200

_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class WireAlert(msgspec.Struct, rename="camel", omit_defaults=True, gc=False):
    """One alert; unknown fields are ignored, and any field may be absent or null.

    `status` is in the webhook's alerts only. Times are RFC 3339; null label values count as empty.
    """

    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    generator_url: str | None = msgspec.field(name="generatorURL", default=None)
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A payload of which at least the shape is right.

    `payload` is what to store, empty where nothing is left to: the bytes that came where all
    alerts are valid, else the valid ones encoded anew. `firing` and `resolved` count all alerts
    by their state at arrival, `invalid` those left out; `faults` says why, one text each.
    """

    payload: bytes
    firing: int
    resolved: int
    faults: tuple[str, ...] = ()

    @property
    def invalid(self) -> int:
        """How many alerts were left out."""
        return len(self.faults)


@dataclass(frozen=True, slots=True)
class Refused:
    """A payload of which nothing is stored; `code` is Alertmanager's (400, 601 or 602)."""

    code: int
    message: str


def decode(decoder: msgspec.json.Decoder[_T], payload: bytes) -> tuple[_T, bytes]:
    """Return what `payload` holds, and the payload itself, repaired where its text was broken.

    Like Go's decoder, puts U+FFFD in place of what is not UTF-8 and of lone surrogates.
    Errors: PayloadRejected, saying what is wrong where, for anything but JSON of the right shape.
    """
    try:
        return decoder.decode(payload), payload
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        repaired = _repaired(payload)
        if repaired == payload:
            raise PayloadRejected(_words(error)) from None
    try:
        return decoder.decode(repaired), repaired
    except (msgspec.DecodeError, RecursionError) as error:
        raise PayloadRejected(_words(error)) from None


def _words(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _repaired(payload: bytes) -> bytes:
    text = payload.decode("utf-8", "replace")
    return _ESCAPE.sub(lambda it: "\\ufffd" if it["lone"] else it[0], text).encode()


def parse_time(text: str | None) -> float | None:
    """Return seconds since the epoch; None for what counts as no time: absent, empty, year 1.

    Year 1 is Go's zero time. (Alertmanager reads an empty text as 1970.) No zone means UTC.
    Errors: ValueError, for people, where `text` is no date and time in RFC 3339.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"time {quoted(text)} is not in RFC 3339") from None
    if text[10:11] not in ("T", " "):
        raise ValueError(f"time {quoted(text)} is not in RFC 3339")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = moment.timestamp()
    return seconds if seconds > _ZERO_TIME_SECONDS else None


class Times(dict[str | None, float | None]):
    """The times of one batch, parsed when first asked for: a batch mostly repeats a few.

    Errors: as `parse_time`.
    """

    def __missing__(self, text: str | None) -> float | None:
        seconds = self[text] = parse_time(text)
        return seconds


def labels_fault(alert: WireAlert) -> str:
    """Return why the labels or annotations are invalid, empty where they are not.

    Any non-empty UTF-8 text is a name, as since Alertmanager 0.27. The words are Alertmanager's.
    """
    labels = alert.labels
    if not labels or not any(labels.values()):
        return "at least one label pair required"
    if labels.get(""):
        return 'invalid label set: invalid name ""'
    if alert.annotations and "" in alert.annotations:
        return 'invalid annotations: invalid name ""'
    return ""


def without_empty(pairs: dict[str, str | None] | None) -> dict[str, str]:
    """Return the pairs that have a value; that is `pairs` itself where all have, as they mostly do.

    The caller owns the result, and `pairs` no longer.
    """
    if not pairs:
        return {}
    if all(pairs.values()):
        return cast("dict[str, str]", pairs)
    return {name: value for name, value in pairs.items() if value}


def quoted(text: str) -> str:
    """Return `text` from outside as it may stand in a message: in quotes, cut to 200 characters."""
    short = text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "…"
    return msgspec.json.encode(short).decode()

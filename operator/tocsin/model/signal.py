"""A signal: the normalised inbound record, whatever its source.

Made by `sources`, routed and grouped by `stages`, stored packed (msgpack, by `encode_signal`).
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b
from typing import Final, NewType

import msgspec

SignalId = NewType("SignalId", bytes)
"""16 bytes: BLAKE2b-128 over source and label set; Alertmanager's 64-bit FNV can be forged."""


class Source(StrEnum):
    """Where signals come from."""

    ALERTS = "alerts"
    RULES = "rules"
    EVENTS = "events"
    AUDIT = "audit"
    GITLAB = "gitlab"
    SLACK = "slack"


class Status(StrEnum):
    """A signal's state; INSTANT ones have no end to wait for."""

    FIRING = "firing"
    RESOLVED = "resolved"
    INSTANT = "instant"


class Signal(msgspec.Struct, frozen=True, array_like=True):
    """One normalised record.

    Shapes: `labels` and `annotations` are str -> str, no empty values, any order; `namespace` is
    the Kubernetes namespace that the signal belongs to, empty for the platform's; `sender_group`
    identifies the sending Alertmanager's own group, empty where there is none.
    Units: times are seconds since the epoch.
    `ends_at` of a firing signal is the end of its lease, None where it is held until told
    otherwise; of a resolved or instant one, when it ended. `held` is true where an Alertmanager
    has waited for the group already. `idempotency_key` is set on instant signals only.
    """

    source: Source
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    status: Status
    starts_at: float
    ends_at: float | None
    updated_at: float
    namespace: str = ""
    generator_url: str = ""
    held: bool = False
    sender_group: str = ""
    idempotency_key: str = ""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Signal)


def encode_signal(signal: Signal) -> bytes:
    """Pack a signal for the store."""
    return _encoder.encode(signal)


def decode_signal(document: bytes) -> Signal:
    """Unpack what `encode_signal` packed; raises msgspec.DecodeError on anything else."""
    return _decoder.decode(document)


def signal_id(source: Source, labels: Mapping[str, str], idempotency_key: str = "") -> SignalId:
    """Identity of a signal: equal exactly when source, labels and idempotency key are equal."""
    parts = [source.value, idempotency_key]
    for name in sorted(labels):
        parts.append(name)
        parts.append(labels[name])
    text = "\xff".join(parts).encode("utf-8", "surrogatepass")
    return SignalId(blake2b(text, digest_size=16).digest())


def content_hash(signal: Signal) -> int:
    """Hash of what a reader would see changed (annotations and link); for this process only."""
    return hash((frozenset(signal.annotations.items()), signal.generator_url))

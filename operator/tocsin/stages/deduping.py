"""Whether a channel must be told something of a group now, and for what named reason.

In: what the channel has been told, and the group's signals. Out: a reason. Called at each flush.
Follows `needsUpdate` of Alertmanager's `notify/dedup_stage.go`, with three differences: what was
told is known for each channel; a signal that resolved before it was told is told all the same,
once; a rise in severity has a name of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tocsin.model.reason import Reason
from tocsin.model.signal import SignalId

TOLD_RESOLVED: Final = -1.0
"""Stands in a notification log for the `starts_at` of a signal that was shown as resolved."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel knows of a group, deliveries in flight counted as arrived.

    `signals` maps those it was told of to their `starts_at`, or to `TOLD_RESOLVED`; `at` is when
    it was last notified, in seconds since the epoch; `severity` the highest rank told.
    """

    signals: Mapping[SignalId, float]
    at: float
    severity: int


@dataclass(frozen=True, slots=True)
class Present:
    """The group's signals as one channel is to see them.

    `firing` maps firing and instant signals to their `starts_at`; `resolved` are the others;
    `repeats` says whether any firing one is not instant; `severity` is the highest rank among the
    firing.
    """

    firing: Mapping[SignalId, float]
    resolved: frozenset[SignalId]
    repeats: bool
    severity: int


def decide(
    told: Told | None, present: Present, now: float, repeat_seconds: float, *, edits: bool
) -> Reason:
    """Return why to notify, or `UNCHANGED`.

    `told` is None before the first message. Where a message can be edited (`edits`), what resolved
    is shown by a quiet edit and not asked here.
    """
    if told is None:
        return Reason.FIRST if present.firing or present.resolved else Reason.UNCHANGED
    known = told.signals
    if any(known.get(key) != starts_at for key, starts_at in present.firing.items()):
        return Reason.SEVERITY_ROSE if present.severity > told.severity else Reason.NEW_ALERTS
    if not edits and not present.firing and untold_end(told, present):
        return Reason.ALL_RESOLVED
    if present.repeats and now >= told.at + repeat_seconds:
        return Reason.REPEAT
    return Reason.UNCHANGED


def untold_end(told: Told, present: Present) -> bool:
    """Whether a signal has resolved and the channel was not told so."""
    return any(told.signals.get(key) != TOLD_RESOLVED for key in present.resolved)

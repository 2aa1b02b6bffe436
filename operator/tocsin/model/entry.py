"""Entries: the compiled subscriptions and built-in policies of a receiver, in order of precedence.

Compiled from a SlackReceiver; read by routing, grouping and the flush.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tocsin.model.matcher import Matcher
from tocsin.model.receiver_spec import SlackReceiverSpec, Subscription, Updates
from tocsin.model.resources import SlackReceiver
from tocsin.model.signal import Source
from tocsin.model.snapshot import key_of
from tocsin.model.time_interval import TimeInterval

REPEAT_INTERVAL_SECONDS: Final = 12 * 3600.0
"""KubeSphere's."""
GROUP_INTERVAL_SECONDS: Final = 300.0
GROUP_WAIT_SECONDS: Final = 1.0
"""Short: a message that came too early is edited."""
ALL_LABELS: Final = "..."
SENDER_GROUP: Final = "sender"

_GROUP_BY: Final = ("cluster", "namespace", "alertname")

BUILTIN_MATCHERS: Final[Mapping[Source, tuple[Matcher, ...]]] = {
    # What kube-prometheus fires on purpose, always: a heartbeat and an aid of its inhibition.
    Source.ALERTS: (Matcher("alertname", "Watchdog|InfoInhibitor", "!~"),),
}
"""The built-in policies; of sources that are not here nothing is received yet."""


@dataclass(frozen=True, slots=True)
class Timing:
    """When a group may notify, in seconds.

    `group_wait` is None for the default: short, and none for what an Alertmanager has held.
    """

    group_wait: float | None = None
    group_interval: float = GROUP_INTERVAL_SECONDS
    repeat_interval: float = REPEAT_INTERVAL_SECONDS


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a receiver: what it takes, where that goes, and how it is timed and shown.

    `receiver` is `namespace/name`; `name` is a subscription's name or `builtin/<source>`, unique in
    the receiver. `channels` are as the receiver names them, 1 to 20, in order.
    """

    receiver: str
    name: str
    source: Source
    matchers: tuple[Matcher, ...]
    channels: tuple[str, ...]
    timing: Timing = Timing()
    group_by: tuple[str, ...] = _GROUP_BY
    send_resolved: bool = True
    updates: Updates = "Thread"
    enabled: bool = True
    mute_times: tuple[TimeInterval, ...] = ()
    active_times: tuple[TimeInterval, ...] = ()

    @property
    def namespace(self) -> str:
        """The namespace of the receiver: what a tenant sees."""
        return self.receiver.partition("/")[0]

    def routing_key(self) -> tuple[object, ...]:
        """Everything that decides which signals end in which groups; equal keys route alike."""
        return (self.name, self.source, self.matchers, self.channels, self.group_by)


def entries_of(receiver: SlackReceiver) -> tuple[Entry, ...]:
    """Compile a receiver: its subscriptions in their order, then its built-in policies."""
    spec = receiver.spec
    key = key_of(receiver.metadata.namespace, receiver.metadata.name)
    subscribed = [_subscribed(key, spec, each) for each in spec.subscriptions]
    builtin = [
        Entry(key, f"builtin/{source}", source, matchers, spec.channels, timing=Timing())
        for source, matchers in BUILTIN_MATCHERS.items()
        if source in spec.builtin
    ]
    return tuple(
        replace(
            entry,
            enabled=spec.enabled,
            mute_times=spec.mute_times,
            active_times=spec.active_times,
        )
        for entry in subscribed + builtin
    )


def _subscribed(key: str, spec: SlackReceiverSpec, subscription: Subscription) -> Entry:
    timing = Timing(
        subscription.group_wait_seconds,
        _given(subscription.group_interval_seconds, GROUP_INTERVAL_SECONDS),
        _given(subscription.repeat_interval_seconds, REPEAT_INTERVAL_SECONDS),
    )
    return Entry(
        receiver=key,
        name=subscription.name,
        source=subscription.source,
        matchers=subscription.matchers,
        channels=subscription.channels or spec.channels,
        timing=timing,
        group_by=_GROUP_BY if subscription.group_by is None else subscription.group_by,
        send_resolved=subscription.send_resolved,
        updates=subscription.updates,
    )


def _given(value: float | None, default: float) -> float:
    return default if value is None else value

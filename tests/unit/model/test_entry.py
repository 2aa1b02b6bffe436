"""Entries: a receiver compiled, in its order of precedence and with the documented defaults."""

from tests.unit.factories import receiver
from tocsin.model.entry import Timing, entries_of
from tocsin.model.signal import Source


def test_subscriptions_come_before_the_builtin_policies() -> None:
    subscriptions = [{"name": "b", "source": "alerts"}, {"name": "a", "source": "events"}]
    entries = entries_of(receiver(subscriptions=subscriptions))
    assert [entry.name for entry in entries] == ["b", "a", "builtin/alerts"]
    assert entries[1].source is Source.EVENTS


def test_a_subscriptions_channels_stand_in_place_of_the_receivers() -> None:
    own = {"name": "own", "source": "alerts", "channels": ["dev"]}
    first, builtin = entries_of(receiver(subscriptions=[own]))
    assert (first.channels, builtin.channels) == (("dev",), ("ops",))


def test_the_defaults_of_timing() -> None:
    (builtin,) = entries_of(receiver())
    assert builtin.timing == Timing(None, 300.0, 12 * 3600.0)
    assert builtin.group_by == ("cluster", "namespace", "alertname")


def test_timing_that_was_asked_for() -> None:
    asked = {"groupWait": "0s", "groupInterval": "1m", "repeatInterval": "4h"}
    entry, _ = entries_of(receiver(subscriptions=[{"name": "s", "source": "alerts", **asked}]))
    assert entry.timing == Timing(0.0, 60.0, 4 * 3600.0)


def test_a_disabled_receivers_entries_say_so() -> None:
    assert not any(entry.enabled for entry in entries_of(receiver(enabled=False)))


def test_a_receiver_without_builtin_policies_and_subscriptions_takes_nothing() -> None:
    assert entries_of(receiver(builtin=[])) == ()


def test_the_routing_key_tells_what_changes_membership() -> None:
    (plain,) = entries_of(receiver())
    (disabled,) = entries_of(receiver(enabled=False))
    (moved,) = entries_of(receiver(channels=["dev"]))
    assert plain.routing_key() == disabled.routing_key()
    assert plain.routing_key() != moved.routing_key()
    assert plain.namespace == "payments"

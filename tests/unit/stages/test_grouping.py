"""Grouping: which group a signal joins, and when that may notify."""

import msgspec
import pytest

from tests.unit.factories import receiver, signal
from tocsin.model.entry import Entry, entries_of
from tocsin.stages.grouping import first_flush, group_labels, later_flush


def entry(**subscription: object) -> Entry:
    made = receiver(subscriptions=[{"name": "s", "source": "alerts", **subscription}])
    return entries_of(made)[0]


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        (None, {"alertname": "Down", "namespace": "payments"}),
        (["severity", "absent"], {"severity": "page"}),
        ([], {}),
        (["..."], {"alertname": "Down", "namespace": "payments", "severity": "page"}),
        (["sender"], {"alertname": "Down", "namespace": "payments", "severity": "page"}),
    ],
)
def test_the_labels_of_a_group(group_by: list[str] | None, expected: dict[str, str]) -> None:
    subscription = {} if group_by is None else {"groupBy": group_by}
    assert group_labels(entry(**subscription), signal(severity="page")) == expected


def test_the_senders_own_group_is_kept() -> None:
    sent = msgspec.structs.replace(signal(), sender_group="prod/{}:{}")
    assert group_labels(entry(groupBy=["sender"]), sent) == {"sender_group": "prod/{}:{}"}


def test_a_first_message_waits_a_second_from_when_the_signal_was_accepted() -> None:
    assert first_flush(entry(), signal()) == 1001.0


def test_what_an_alertmanager_held_does_not_wait_again() -> None:
    held = msgspec.structs.replace(signal(), held=True)
    assert first_flush(entry(), held) == 1000.0


def test_a_group_wait_that_was_asked_for_holds_for_both() -> None:
    held = msgspec.structs.replace(signal(), held=True)
    asked = entry(groupWait="30s")
    assert first_flush(asked, held) == first_flush(asked, signal()) == 1030.0


def test_a_later_message_keeps_the_group_interval() -> None:
    assert later_flush(entry(groupInterval="1m"), signal(), notified_at=990.0) == 1050.0


def test_a_group_that_was_quiet_for_long_waits_the_group_wait_only() -> None:
    assert later_flush(entry(groupInterval="1m"), signal(), notified_at=10.0) == 1001.0

"""Deliveries are read from real messages: what the operator renders, as the journal holds it."""

import msgspec

from bench import payloads
from bench.deliveries import Delivery, Kind, deliveries
from bench.lives import Life
from lab.slack.journal import Entry
from tocsin.model.message import GroupView
from tocsin.model.reason import Reason
from tocsin.model.signal import Signal, Source, Status
from tocsin.stages.rendering import render_reply, render_state

CHANNEL = "C0FAULTS01"


def signal(identity: str, status: Status = Status.FIRING) -> Signal:
    alert = payloads.alert(1, identity, "warning")
    return Signal(
        source=Source.ALERTS,
        labels=dict(alert.labels),
        annotations=dict(alert.annotations),
        status=status,
        starts_at=1_000.0,
        ends_at=1_100.0,
        updated_at=1_000.0,
    )


def view(firing: list[Signal], resolved: list[Signal], reason: Reason) -> GroupView:
    return GroupView("bench/all", {}, firing, resolved, 1_200.0, reason, fresh=firing[-1:])


def delivery(shown: GroupView, method: str = "chat.postMessage", thread: str = "") -> Delivery:
    message = render_reply(shown) if thread else render_state(shown)
    entry = Entry(
        at=1_200.0,
        method=method,
        answer="ok",
        status=200,
        duration_seconds=0.1,
        team="T0",
        channel=CHANNEL,
        ts="1.000001",
        thread_ts=thread,
        text=message.text,
        blocks=msgspec.json.decode(msgspec.json.encode(message.blocks)),
        attachments=msgspec.json.decode(msgspec.json.encode(message.attachments)),
        metadata={"event_type": "e", "event_payload": {"id": "d1"}},
    )
    (only,) = deliveries([entry])
    return only


def test_a_first_message_about_one_alert_names_it() -> None:
    found = delivery(view([signal("001x0000")], [], Reason.FIRST))
    assert (found.kind, found.group, found.message) == (Kind.FIRST, 1, (CHANNEL, "1.000001"))
    assert (found.shown, found.ended) == (frozenset({"001x0000"}), frozenset())
    assert (found.delivery_id, found.is_over, found.answered) == ("d1", False, True)


def test_a_resolved_message_about_one_alert_shows_it_as_ended() -> None:
    found = delivery(view([], [signal("001x0000", Status.RESOLVED)], Reason.STATE_CHANGED))
    assert found.is_over
    assert found.ended == found.shown == frozenset({"001x0000"})


def test_a_message_tells_firing_alerts_from_resolved_ones() -> None:
    firing = [signal(f"001x{number:04d}") for number in range(6)]
    resolved = [signal(f"001x{number:04d}", Status.RESOLVED) for number in range(6, 11)]
    found = delivery(view(firing, resolved, Reason.STATE_CHANGED), "chat.update")
    assert found.kind is Kind.EDIT
    assert found.shown == frozenset(f"001x{number:04d}" for number in range(11))
    assert found.ended == frozenset(f"001x{number:04d}" for number in range(6, 11))
    assert not found.is_over


def test_a_message_whose_alerts_have_all_resolved_is_over() -> None:
    resolved = [signal(f"001x{number:04d}", Status.RESOLVED) for number in range(6)]
    found = delivery(view([], resolved, Reason.STATE_CHANGED), "chat.update")
    assert found.is_over
    assert len(found.ended) == 6


def test_a_reply_names_the_new_alerts_only() -> None:
    firing = [signal("001x0000"), signal("001x0001")]
    found = delivery(view(firing, [], Reason.NEW_ALERTS), thread="1.000001")
    assert found.kind is Kind.REPLY
    assert found.shown == frozenset({"001x0001"})
    assert not found.is_reminder


def test_a_reminder_is_recognised() -> None:
    for count in (1, 3):
        firing = [signal(f"001x{number:04d}") for number in range(count)]
        assert delivery(view(firing, [], Reason.REPEAT), thread="1.000001").is_reminder


def test_what_was_not_accepted_or_is_no_message_is_no_delivery() -> None:
    refused = Entry(
        at=1.0, method="chat.postMessage", answer="http 503", status=503, duration_seconds=0.0
    )
    lookup = Entry(
        at=1.0, method="conversations.history", answer="ok", status=200, duration_seconds=0.0
    )
    assert list(deliveries([refused, lookup])) == []


def test_the_identities_of_a_run_are_recognised() -> None:
    assert (
        Life("042x0007", 42, 0.0, 1.0, b"").identity
        in delivery(view([signal("042x0007")], [], Reason.FIRST)).shown
    )

"""Alertmanager's webhook, version 4: what of a payload is valid, what it says and leaves unsaid."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sources.posts import (
    CONTEXT,
    NOW,
    ZERO_TIME,
    alert,
    any_alerts,
    any_json,
    any_texts,
    at,
    firing,
    resolved,
    row,
    webhook,
)
from tocsin.model.alert_wire import Checked, Refused
from tocsin.model.reading import Reading, ReadingContext
from tocsin.model.signal import Signal, SignalId, Source, Status, signal_id
from tocsin.sources import alertmanager_webhook as hook

NO_LABELS = "at least one label pair required"
NOT_A_PAYLOAD = "not a webhook payload of Alertmanager: "


def read(
    payload: bytes,
    seen: Mapping[str, bytes] | None = None,
    kind: str = hook.KIND,
    context: ReadingContext = CONTEXT,
) -> Reading:
    return hook.read(row(kind, payload), context, seen or {})


def identity(name: str, **labels: str) -> SignalId:
    return signal_id(Source.ALERTS, {"alertname": name, **labels})


class Memory:
    """What the store keeps under the keys of sources, from one payload to the next."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def read(self, payload: bytes, context: ReadingContext = CONTEXT) -> Reading:
        keys = hook.seen_keys(row(hook.KIND, payload))
        seen = {key: self.kept[key] for key in keys if key in self.kept}
        reading = read(payload, seen, context=context)
        assert set(reading.seen) <= set(keys)
        for key, value in reading.seen.items():
            if value is None:
                del self.kept[key]
            else:
                self.kept[key] = value
        return reading


def test_a_valid_object_is_stored_as_it_came() -> None:
    payload = webhook(firing("a"), resolved("b"), notification_reason="new", routeLabels={})
    assert hook.check(payload) == Checked(payload, firing=1, resolved=1)


def test_what_only_alertmanager_itself_sends_may_be_absent() -> None:
    payload = b'{"alerts":[{"labels":{"a":"1"}}]}'
    assert hook.check(payload) == Checked(payload, firing=1, resolved=0)
    (pair,) = read(payload).signals
    assert pair[1].status is Status.FIRING


def test_an_object_without_alerts_in_it_stores_nothing() -> None:
    assert hook.check(webhook()) == Checked(b"", firing=0, resolved=0)
    assert read(webhook()).signals == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (alert() | {"labels": {}}, NO_LABELS),
        (alert() | {"labels": None}, NO_LABELS),
        (firing("a") | {"startsAt": "nope"}, 'time "nope" is not in RFC 3339'),
        (resolved("a") | {"endsAt": "nope"}, 'time "nope" is not in RFC 3339'),
    ],
)
def test_what_is_wrong_in_itself_is_left_out_and_no_absence_is_concluded(
    wrong: dict[str, Any], fault: str
) -> None:
    memory = Memory()
    memory.read(webhook(firing("good"), firing("gone")))
    checked = hook.check(webhook(firing("good"), wrong, receiver="tocsin"))
    assert isinstance(checked, Checked)
    assert checked.faults == (fault,)
    stored = json.loads(checked.payload)
    assert stored["alerts"] == [firing("good")]
    assert stored["truncatedAlerts"] == 1
    reading = memory.read(checked.payload)
    assert [key for key, _ in reading.signals] == [identity("good")]
    assert not reading.absent


def test_where_nothing_is_right_nothing_is_stored() -> None:
    assert hook.check(webhook({})) == Checked(b"", firing=1, resolved=0, faults=(NO_LABELS,))


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"alerts":null}',
        b'{"alerts":{}}',
        b'{"alerts":[null]}',
        webhook(version="5"),
        webhook(version=4),
        webhook(truncatedAlerts="many"),
        webhook(alert({"a": "1"}, annotations=5)),
    ],
)
def test_what_is_no_payload_of_version_4_is_refused_whole(payload: bytes) -> None:
    refused = hook.check(payload)
    assert isinstance(refused, Refused)
    assert refused.code == 400
    assert refused.message.startswith(NOT_A_PAYLOAD)


def test_a_firing_alert_is_held_until_told_otherwise() -> None:
    told = firing("Down", namespace="payments", empty="") | {
        "annotations": {"summary": "It is down.", "empty": ""},
        "generatorURL": "http://prometheus/graph",
        "endsAt": at(60),
    }
    ((key, signal),) = read(webhook(told)).signals
    assert key == identity("Down", namespace="payments")
    assert signal == Signal(
        source=Source.ALERTS,
        labels={"alertname": "Down", "namespace": "payments"},
        annotations={"summary": "It is down."},
        status=Status.FIRING,
        starts_at=NOW - 60,
        ends_at=None,
        updated_at=NOW,
        namespace="payments",
        generator_url="http://prometheus/graph",
        held=True,
        sender_group=signal.sender_group,
    )
    assert len(signal.sender_group) == 32


@pytest.mark.parametrize(
    ("fields", "span"),
    [
        ({"startsAt": at(-60), "endsAt": at(-1)}, (NOW - 60, NOW - 1)),
        ({"startsAt": at(-60), "endsAt": ZERO_TIME}, (NOW - 60, NOW)),
        ({"endsAt": at(-1)}, (NOW - 1, NOW - 1)),
        ({}, (NOW, NOW)),
    ],
)
def test_an_alert_is_resolved_by_its_status_alone(
    fields: dict[str, Any], span: tuple[float, float]
) -> None:
    ((_, signal),) = read(webhook(alert(status="resolved", **fields))).signals
    assert signal.status is Status.RESOLVED
    assert (signal.starts_at, signal.ends_at) == span
    ((_, signal),) = read(webhook(alert(status="firing", **fields))).signals
    assert signal.status is Status.FIRING
    assert signal.ends_at is None


def test_the_groups_status_counts_for_an_alert_without_one() -> None:
    signals = read(webhook(alert(), firing("y"), status="resolved")).signals
    assert [signal.status for _, signal in signals] == [Status.RESOLVED, Status.FIRING]


def test_a_start_that_is_not_told_is_now() -> None:
    ((_, signal),) = read(webhook(alert(status="firing"))).signals
    assert signal.starts_at == NOW


def test_the_cluster_is_stamped_and_replicas_are_one() -> None:
    context = ReadingContext("eu", frozenset({"replica"}), 300)
    reading = read(webhook(firing("x", replica="a"), firing("x", replica="b")), context=context)
    assert [key for key, _ in reading.signals] == [identity("x", cluster="eu")] * 2


@pytest.mark.parametrize(
    "changed",
    [{"groupKey": "other"}, {"receiver": "other"}, {"externalURL": "http://other"}],
)
def test_a_group_is_told_apart_by_what_its_alertmanager_calls_it(changed: dict[str, str]) -> None:
    one, again = read(webhook(firing("a"))), read(webhook(firing("b"), version="", status=None))
    assert one.sender_group == again.sender_group == one.signals[0][1].sender_group
    assert read(webhook(firing("a"), **changed)).sender_group != one.sender_group
    from_another = hook.read(row(hook.KIND, webhook(firing("a")), sender="other"), CONTEXT, {})
    assert from_another.sender_group != one.sender_group


def test_what_a_complete_payload_no_longer_shows_is_absent() -> None:
    memory = Memory()
    assert not memory.read(webhook(firing("a"), firing("b"), firing("c"))).absent
    reading = memory.read(webhook(firing("b"), resolved("c")))
    assert reading.absent == [identity("a")]
    assert not memory.read(webhook(firing("b"))).absent


def test_what_is_absent_comes_in_order() -> None:
    memory = Memory()
    memory.read(webhook(*(firing(str(n)) for n in range(50))))
    absent = memory.read(webhook(firing("0"))).absent
    assert absent == sorted(identity(str(n)) for n in range(1, 50))


def test_a_truncated_payload_makes_nothing_absent_and_forgets_nothing() -> None:
    memory = Memory()
    memory.read(webhook(firing("a"), firing("b"), firing("c")))
    reading = memory.read(webhook(firing("d"), resolved("c"), truncatedAlerts=2))
    assert not reading.absent
    assert memory.read(webhook(firing("d"))).absent == sorted([identity("a"), identity("b")])


def test_a_group_that_is_over_is_forgotten() -> None:
    memory = Memory()
    memory.read(webhook(firing("a")))
    assert memory.kept
    memory.read(webhook(resolved("a")))
    assert not memory.kept


def test_a_repeat_changes_nothing_that_is_remembered() -> None:
    memory = Memory()
    memory.read(webhook(firing("a"), firing("b", cluster="eu")))
    assert memory.read(webhook(firing("b", cluster="eu"), firing("a"))).seen == {}


def test_groups_say_nothing_about_each_other() -> None:
    memory = Memory()
    memory.read(webhook(firing("a")))
    assert not memory.read(webhook(firing("b"), groupKey="other")).absent


def test_clusters_whose_alertmanagers_are_set_up_alike_say_nothing_about_each_other() -> None:
    memory = Memory()
    memory.read(webhook(firing("a", cluster="eu"), firing("b", cluster="eu")))
    assert not memory.read(webhook(firing("a", cluster="us"))).absent
    reading = memory.read(webhook(firing("a", cluster="eu")))
    assert reading.absent == [identity("b", cluster="eu")]
    assert not memory.read(webhook(resolved("a", cluster="us"))).absent


def test_without_a_group_key_absence_says_nothing() -> None:
    payload = webhook(firing("a"), groupKey="")
    assert hook.seen_keys(row(hook.KIND, payload)) == ()
    reading = read(payload)
    assert (reading.sender_group, reading.seen, reading.absent) == ("", {}, ())
    assert reading.signals[0][1].sender_group == ""


@pytest.mark.parametrize("alerttype", ["event", "auditing"])
def test_kubespheres_events_and_audit_records_are_instant(alerttype: str) -> None:
    memory = Memory()
    told = firing("Created", alerttype=alerttype)
    reading = memory.read(webhook(told, resolved("Old", alerttype=alerttype), firing("metric")))
    (key, signal), (_, other) = reading.signals
    assert signal.status is Status.INSTANT
    assert (signal.starts_at, signal.ends_at) == (NOW - 60, NOW - 60)
    assert signal.held
    assert key == signal_id(Source.ALERTS, signal.labels, signal.idempotency_key)
    assert other.status is Status.FIRING
    assert not memory.read(webhook(resolved("metric"))).absent


def test_an_instant_alert_is_one_by_labels_and_start() -> None:
    def key_of(told: dict[str, Any]) -> str:
        ((_, signal),) = read(webhook(told), kind=hook.INSTANT_KIND).signals
        return signal.idempotency_key

    told = firing("a")
    assert key_of(told) == key_of(told | {"annotations": {"summary": "later"}})
    assert key_of(told).startswith("alertmanager/")
    assert key_of(told) != key_of(told | {"startsAt": at(0)})
    assert key_of(told) != key_of(firing("b"))
    assert key_of(alert()) == key_of(alert(startsAt=at(0)))


def test_a_sender_that_tells_no_ends_makes_instant_signals_only() -> None:
    payload = webhook(firing("a"), resolved("b"))
    assert hook.seen_keys(row(hook.INSTANT_KIND, payload)) == ()
    reading = read(payload, kind=hook.INSTANT_KIND)
    assert [signal.status for _, signal in reading.signals] == [Status.INSTANT]
    assert reading.sender_group
    assert (reading.seen, reading.absent) == ({}, ())


objects = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from(["4", "", None, "5", 4]),
        "status": st.sampled_from(["firing", "resolved", "", None]),
        "groupKey": any_texts | st.none(),
        "receiver": any_texts | st.none(),
        "externalURL": any_texts | st.none(),
        "truncatedAlerts": st.integers(0, 2) | st.none(),
        "alerts": st.lists(any_alerts, max_size=3) | any_json,
        "other": any_json,
    },
)


@given(
    st.binary() | objects.map(msgspec.json.encode),
    st.sampled_from([hook.KIND, "alertmanager/v4-instant"]),
)
def test_any_bytes_are_judged_and_what_is_stored_can_be_read(payload: bytes, kind: str) -> None:
    checked = hook.check(payload)
    if isinstance(checked, Refused):
        assert checked.code == 400
        return
    if not checked.payload:
        return
    assert len(hook.seen_keys(row(kind, checked.payload))) <= 1
    reading = read(checked.payload, kind=kind)
    assert len(reading.signals) <= checked.firing + checked.resolved - checked.invalid
    again = hook.check(checked.payload)
    assert isinstance(again, Checked)
    assert again.payload == checked.payload

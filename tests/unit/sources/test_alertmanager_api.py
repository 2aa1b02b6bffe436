"""Alertmanager's API v2: what of an array is valid, and which signals it holds."""

import json
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
    at,
    row,
)
from tocsin.model.alert_wire import Checked, Refused
from tocsin.model.reading import Reading, ReadingContext
from tocsin.model.signal import Signal, Source, Status, signal_id
from tocsin.sources import alertmanager_api as api

RESOLVE_TIMEOUT = CONTEXT.resolve_timeout_seconds
NO_LABELS = "at least one label pair required"
NOT_PARSED = 'parsing alerts body from "" failed, because '


def check(*alerts: Any) -> Checked | Refused:
    return api.check(json.dumps(alerts).encode(), NOW, RESOLVE_TIMEOUT)


def read(*alerts: Any, context: ReadingContext = CONTEXT) -> list[Signal]:
    reading = api.read(row(api.KIND, json.dumps(alerts).encode()), context, {})
    assert reading == Reading(reading.signals)
    assert all(key == signal_id(Source.ALERTS, it.labels) for key, it in reading.signals)
    return [signal for _, signal in reading.signals]


def test_a_valid_array_is_stored_as_it_came() -> None:
    payload = b' [ {"labels":{"a":"1"}, "unknown":[1]}, {"labels":{"a":"2"},"endsAt":"%s"}]' % (
        at(0).encode()
    )
    assert api.check(payload, NOW, RESOLVE_TIMEOUT) == Checked(payload, firing=1, resolved=1)


@pytest.mark.parametrize("payload", [b"[]", b"null", b" [ ] "])
def test_without_alerts_nothing_is_stored_and_nothing_wrong(payload: bytes) -> None:
    assert api.check(payload, NOW, RESOLVE_TIMEOUT) == Checked(b"", firing=0, resolved=0)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (alert() | {"labels": {}}, NO_LABELS),
        (alert({"a": "", "b": None}), NO_LABELS),
        (alert({"": "x"}), 'invalid label set: invalid name ""'),
        (alert(annotations={"": "x"}), 'invalid annotations: invalid name ""'),
        (alert(startsAt=at(0), endsAt=at(-1)), "start time must be before end time"),
        (alert(startsAt=at(RESOLVE_TIMEOUT + 1)), "start time must be before end time"),
    ],
)
def test_what_is_wrong_in_itself_is_left_out_and_the_rest_is_stored(
    wrong: dict[str, Any], fault: str
) -> None:
    good = alert({"a": "1", "b": None}, startsAt=at(-9), generatorURL="http://p/graph")
    checked = check(good, wrong)
    assert isinstance(checked, Checked)
    assert checked.faults == (fault,)
    assert checked.invalid == 1
    assert json.loads(checked.payload) == [good]
    assert check(wrong) == Checked(b"", checked.firing - 1, checked.resolved, (fault,))


@pytest.mark.parametrize(
    "good",
    [
        alert({"": "", "a": "1"}),
        alert({"a b.ä": "any UTF-8 is a name since 0.27"}),
        alert(annotations=None, startsAt=None, endsAt=None, generatorURL=None),
        alert(startsAt=at(-5), endsAt=at(-5)),
        alert(endsAt=at(-9)),
        alert(startsAt=ZERO_TIME, endsAt=ZERO_TIME),
        alert(startsAt="", endsAt=""),
        alert(annotations={"summary": None}),
    ],
)
def test_what_alertmanager_takes_is_taken(good: dict[str, Any]) -> None:
    checked = check(good)
    assert isinstance(checked, Checked)
    assert not checked.faults
    assert json.loads(checked.payload) == [good]


@pytest.mark.parametrize(
    ("payload", "refused"),
    [
        (b"", Refused(602, "alerts in body is required")),
        (b" \n", Refused(602, "alerts in body is required")),
        (b"[{}]", Refused(602, "0.labels in body is required")),
        (b'[{"labels":{"a":"1"}},{"labels":null}]', Refused(602, "1.labels in body is required")),
        (
            b'[{"generatorURL":"::"},{"generatorURL":":::"}]',
            Refused(601, '0.generatorURL in body must be of type uri: "::"'),
        ),
        (
            b'[{"labels":{"a":"1"},"startsAt":"nope"}]',
            Refused(400, NOT_PARSED + 'time "nope" is not in RFC 3339'),
        ),
        (b'[{},{"endsAt":"nope"}]', Refused(400, NOT_PARSED + 'time "nope" is not in RFC 3339')),
    ],
)
def test_a_wrong_shape_refuses_the_whole_array(payload: bytes, refused: Refused) -> None:
    assert api.check(payload, NOW, RESOLVE_TIMEOUT) == refused


@pytest.mark.parametrize(
    "payload",
    [
        b'{"labels":{}}',
        b"5",
        b'"x"',
        b"[{",
        b"[] x",
        b"\xef\xbb\xbf[]",
        b"[null]",
        b'[{"labels":{"a":1}}]',
        b'[{"labels":["a"]}]',
        b'[{"labels":{"a":"1"},"annotations":{"a":true}}]',
        b'[{"labels":{"a":"1"},"startsAt":5}]',
        b'[{"labels":{"a":"1"},"generatorURL":{}}]',
        b'[{"x":' + b"[" * 100_000,
    ],
)
def test_what_is_no_array_of_alerts_is_not_parsed(payload: bytes) -> None:
    refused = api.check(payload, NOW, RESOLVE_TIMEOUT)
    assert isinstance(refused, Refused)
    assert refused.code == 400
    assert refused.message.startswith(NOT_PARSED)
    assert len(refused.message) < 300


# As url.ParseRequestURI of Go 1.26 judges them.
@pytest.mark.parametrize(
    "uri",
    [
        "/x",
        "//h/x",
        "http://h:9090/graph?g0.expr=up%7B%7D&g0.tab=1",
        "http://user:pass%20word@h/",
        "http://h/ a#b",
        "http://h/ü?%zz",
        "http://ü/%c3%bc",
        "http://%c3%bc/",
        "http://[fe80::1]:80/",
        "http://[fe80::1%25en0]/",
        "http:/",
        "http://",
        "http://h:",
        "http://h?x",
        "http:///x",
        "javascript:alert(1)",
        "mailto:a@b",
        "a+b-c.d:",
    ],
)
def test_a_uri_is_what_go_takes_for_one(uri: str) -> None:
    assert isinstance(check(alert(generatorURL=uri)), Checked)


@pytest.mark.parametrize(
    "uri",
    [
        "::bad",
        "foo",
        "?x",
        "1a:b",
        "http://h/%zz",
        "http://h:abc/",
        "http://h/\n",
        "http://h\x7f",
        "http://a b/",
        "http://%20/",
        "http://[fe80::1/",
        "http://h#f",
    ],
)
def test_a_uri_is_nothing_else(uri: str) -> None:
    refused = check(alert(generatorURL="/good"), alert(generatorURL=uri))
    assert isinstance(refused, Refused)
    assert refused.code == 601
    assert refused.message.startswith("1.generatorURL in body must be of type uri: ")


def test_a_long_text_from_outside_is_quoted_in_part() -> None:
    refused = check(alert(generatorURL="x" * 1_000_000))
    assert isinstance(refused, Refused)
    assert len(refused.message) < 300


def test_an_alert_becomes_a_signal() -> None:
    (signal,) = read(
        alert(
            {"alertname": "Down", "namespace": "payments", "empty": "", "null": None},
            annotations={"summary": "It is down.", "empty": "", "null": None},
            startsAt=at(-60),
            endsAt=at(240),
            generatorURL="http://prometheus/graph",
        )
    )
    assert signal == Signal(
        source=Source.ALERTS,
        labels={"alertname": "Down", "namespace": "payments"},
        annotations={"summary": "It is down."},
        status=Status.FIRING,
        starts_at=NOW - 60,
        ends_at=NOW + 240,
        updated_at=NOW,
        namespace="payments",
        generator_url="http://prometheus/graph",
    )


@pytest.mark.parametrize(
    ("fields", "status", "starts_at", "ends_at"),
    [
        ({}, Status.FIRING, NOW, NOW + RESOLVE_TIMEOUT),
        ({"startsAt": at(-60)}, Status.FIRING, NOW - 60, NOW + RESOLVE_TIMEOUT),
        ({"startsAt": at(-60), "endsAt": ZERO_TIME}, Status.FIRING, NOW - 60, NOW + 300),
        ({"startsAt": at(-60), "endsAt": at(1)}, Status.FIRING, NOW - 60, NOW + 1),
        ({"startsAt": at(-60), "endsAt": at(0)}, Status.RESOLVED, NOW - 60, NOW),
        ({"endsAt": at(-30)}, Status.RESOLVED, NOW - 30, NOW - 30),
        ({"startsAt": ZERO_TIME, "endsAt": at(-30)}, Status.RESOLVED, NOW - 30, NOW - 30),
    ],
)
def test_an_alert_fires_until_its_end_as_seen_when_it_was_accepted(
    fields: dict[str, Any], status: Status, starts_at: float, ends_at: float
) -> None:
    (signal,) = read(alert(**fields))
    assert (signal.status, signal.starts_at, signal.ends_at) == (status, starts_at, ends_at)
    assert not signal.held


def test_the_cluster_is_stamped_where_absent_and_replicas_are_one() -> None:
    context = ReadingContext("eu", frozenset({"replica", "prometheus_replica"}), 300)
    one, other, foreign = read(
        alert({"alertname": "x", "replica": "a"}),
        alert({"alertname": "x", "prometheus_replica": "b", "cluster": ""}),
        alert({"alertname": "x", "cluster": "us"}),
        context=context,
    )
    assert one == other
    assert one.labels == {"alertname": "x", "cluster": "eu"}
    assert foreign.labels == {"alertname": "x", "cluster": "us"}


def test_signals_come_in_the_order_of_the_array() -> None:
    assert [s.labels["n"] for s in read(*(alert({"n": str(n)}) for n in range(9)))] == [
        *"012345678"
    ]


def test_nothing_is_remembered_of_these_senders() -> None:
    assert api.seen_keys(row(api.KIND, b"[]")) == ()


@given(st.binary() | st.lists(any_alerts | any_json, max_size=3).map(msgspec.json.encode))
def test_any_bytes_are_judged_and_what_is_stored_can_be_read(payload: bytes) -> None:
    checked = api.check(payload, NOW, RESOLVE_TIMEOUT)
    if isinstance(checked, Refused):
        assert checked.code in (400, 601, 602)
        return
    if not checked.payload:
        return
    reading = api.read(row(api.KIND, checked.payload), CONTEXT, {})
    assert len(reading.signals) == checked.firing + checked.resolved - checked.invalid
    for _, signal in reading.signals:
        assert signal.ends_at is not None
        assert signal.starts_at <= signal.ends_at
        assert "" not in signal.labels.values()
        assert "" not in signal.annotations.values()
    again = api.check(checked.payload, NOW, RESOLVE_TIMEOUT)
    assert isinstance(again, Checked)
    assert again.payload == checked.payload
    assert not again.faults

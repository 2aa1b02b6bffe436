"""Identities: of signals, groups and objects; and packing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.factories import signal
from tocsin.model.group import Group, OutboxEntry, group_id
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.records import Step
from tocsin.model.signal import (
    SignalId,
    Source,
    content_hash,
    decode_signal,
    encode_signal,
    signal_id,
)

_labels = st.dictionaries(st.text(), st.text(), max_size=4)


@given(_labels, _labels)
def test_invariant_8_signals_are_the_same_exactly_when_their_labels_are(
    one: dict[str, str], other: dict[str, str]
) -> None:
    same = signal_id(Source.ALERTS, one) == signal_id(Source.ALERTS, other)
    assert same is (one == other)


def test_the_identity_of_a_signal_does_not_depend_on_the_order_of_labels() -> None:
    assert signal_id(Source.ALERTS, {"a": "1", "b": "2"}) == signal_id(
        Source.ALERTS, {"b": "2", "a": "1"}
    )


def test_source_and_idempotency_key_tell_signals_apart() -> None:
    labels = {"a": "1"}
    ids = {
        signal_id(Source.ALERTS, labels),
        signal_id(Source.AUDIT, labels),
        signal_id(Source.ALERTS, labels, "key"),
    }
    assert len(ids) == 3
    assert all(len(each) == 16 for each in ids)


def test_lone_surrogates_have_an_identity_too() -> None:
    assert len(signal_id(Source.ALERTS, {"a": "\ud800"})) == 16


def test_a_group_is_told_apart_by_receiver_entry_and_labels() -> None:
    ids = {
        group_id("a/b", "c", {"d": "e"}),
        group_id("a/x", "c", {"d": "e"}),
        group_id("a/b", "x", {"d": "e"}),
        group_id("a/b", "c", {"d": "x"}),
    }
    assert len(ids) == 4
    assert group_id("a/b", "c", {"d": "e", "f": "g"}) == group_id("a/b", "c", {"f": "g", "d": "e"})


def test_a_signal_is_packed_and_unpacked() -> None:
    assert decode_signal(encode_signal(signal(pod="a"))) == signal(pod="a")


def test_what_is_not_a_signal_cannot_be_unpacked() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_signal(b"nonsense")


def test_the_content_of_a_signal_is_what_a_reader_sees() -> None:
    plain = signal()
    assert content_hash(plain) == content_hash(msgspec.structs.replace(plain, updated_at=5.0))
    assert content_hash(plain) != content_hash(
        msgspec.structs.replace(plain, annotations={"summary": "new"})
    )


def test_outbox_entries_do_not_share_what_they_were_told() -> None:
    first = OutboxEntry(group_id("a/b", "c", {}), "ops")
    first.told[SignalId(b"x")] = 1.0
    assert OutboxEntry(first.group, "ops").told == {}


def test_an_object_is_known_by_kind_and_name() -> None:
    key = ObjectKey(Kind.RECEIVER, "payments/oncall")
    assert (key.namespace, key.name) == ("payments", "oncall")
    assert str(key) == "SlackReceiver payments/oncall"
    assert key.kind.plural == "slackreceivers"


def test_a_step_is_empty_until_something_is_decided() -> None:
    step = Step()
    assert step.is_empty()
    group = Group(group_id("a/b", "c", {}), "a/b", "c", {}, 1.0)
    step.drop_groups.append(group.id)
    assert not step.is_empty()

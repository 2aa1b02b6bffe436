"""Alerts as they travel: times, broken text, and what counts as empty."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.errors import PayloadRejected
from tocsin.model.alert_wire import Times, WireAlert, decode, parse_time, quoted, without_empty

EPOCH_2024 = 1_704_067_200.0
DECODER = msgspec.json.Decoder(WireAlert)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-01-01T00:00:00Z", EPOCH_2024),
        ("2024-01-01T00:00:00.5Z", EPOCH_2024 + 0.5),
        ("2024-01-01T00:00:00.123456789Z", EPOCH_2024 + 0.123456),
        ("2024-01-01T02:00:00+02:00", EPOCH_2024),
        ("2024-01-01T00:00:00", EPOCH_2024),
        ("2024-01-01T00:00Z", EPOCH_2024),
        ("2024-01-01T00:00:00,5Z", EPOCH_2024 + 0.5),
        ("2024-01-01 00:00:00", EPOCH_2024),
        ("1970-01-01T00:00:00Z", 0.0),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+02:00", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_as_go_reads_it(text: str | None, seconds: float | None) -> None:
    assert parse_time(text) == seconds
    times = Times()
    assert times[text] == seconds
    assert times == {text: seconds}


@pytest.mark.parametrize(
    "text",
    [
        "nope",
        " ",
        "2024-01-01",
        "20240101T000000Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:00:60Z",
        "10000-01-01T00:00:00Z",
        "1704067200",
        "2024-01-01T00:00:00+24:00",
    ],
)
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not in RFC 3339") as raised:
        parse_time(text)
    assert quoted(text) in str(raised.value)


@given(st.text())
def test_any_text_is_a_time_or_is_not(text: str) -> None:
    try:
        seconds = parse_time(text)
    except ValueError:
        return
    assert seconds is None or seconds > 0 or text[:4] < "1970"


def test_pairs_without_a_value_are_dropped() -> None:
    assert without_empty({"a": "1", "b": "", "c": None}) == {"a": "1"}
    assert without_empty({}) == without_empty(None) == {}


def test_a_quote_is_short_and_one_line() -> None:
    assert quoted('a"\n') == '"a\\"\\n"'
    assert quoted("x" * 200) == '"' + "x" * 200 + '"'
    assert quoted("x" * 201) == '"' + "x" * 200 + '…"'


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (b"\xff", "\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\\ud800", "\ufffd"),
        (b"\\udc00x", "\ufffdx"),
        (b"\\ud800\\u0041", "\ufffdA"),
        (b"\\ud800\\ud83d\\ude00", "\ufffd\U0001f600"),
        (b"\\ud83d\\ude00\\ud800", "\U0001f600\ufffd"),
        (b"\\\\ud800\\ud800", "\\ud800\ufffd"),
        (b"\\\\\\ud800", "\\\ufffd"),
    ],
)
def test_broken_text_is_repaired_as_go_repairs_it(value: bytes, read_as: str) -> None:
    payload = b'{"labels":{"a":"%s"}}' % value
    alert, repaired = decode(DECODER, payload)
    assert alert.labels == {"a": read_as}
    assert decode(DECODER, repaired) == (alert, repaired)
    assert json.loads(repaired) == {"labels": {"a": read_as}}


@pytest.mark.parametrize("value", ["é", "\\u00e9", "\\ud83d\\ude00", "\\\\ud800", "\U0001f600"])
def test_text_that_is_not_broken_stays_as_it_came(value: str) -> None:
    payload = f'{{"labels":{{"a":"{value}"}}}}'.encode()
    assert decode(DECODER, payload)[1] is payload


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"{", "truncated"),
        (b'{"labels":{"a":"\xff"}', "truncated"),
        (b'{"labels":{"\\ud800":5}}', "got `int`"),
        (b'{"labels":5}', "at `$.labels`"),
        (b'{"x":' + b"[" * 100_000, "nested too deeply"),
        (b'{"y":"\\ud800","x":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_rejected_in_words(payload: bytes, words: str) -> None:
    with pytest.raises(PayloadRejected, match=words.replace("$", r"\$")):
        decode(DECODER, payload)

"""What Alertmanager 0.25 answers to posts of all kinds, and so do we.

`tests/unit/edge` asks our own edge, `test_alertmanager_answers` a running Alertmanager as well, so
that this table stays true. The times are such that the cases hold whenever they run.
"""

import json
from dataclasses import dataclass
from typing import Any

LABELS: dict[str, Any] = {"labels": {"alertname": "x"}}
PAST = "2024-01-01T00:00:00Z"
ENDED_FIRST: dict[str, Any] = LABELS | {"startsAt": PAST, "endsAt": "2023-01-01T00:00:00Z"}
NAMELESS_NOTE: dict[str, Any] = LABELS | {"annotations": {"": "x"}}
NOT_PARSED = 'parsing alerts body from "" failed, because '
NO_LABELS = "at least one label pair required"
NO_NAME = 'invalid name ""'
END_FIRST = "start time must be before end time"


@dataclass(frozen=True, slots=True)
class Case:
    """One post: what is sent, and the status and JSON document that come back.

    `answer` None: nothing comes back; a text that ends in a space: how the message begins, since
    the rest is a decoder's own words. `stored` is how many alerts are stored.
    """

    name: str
    payload: bytes
    status: int
    answer: object = None
    stored: int = 0
    content_type: str = "application/json"

    def agrees_with(self, status: int, body: bytes) -> bool:
        """Whether this is the answer."""
        if status != self.status or self.answer is None:
            return status == self.status and not body
        got = json.loads(body)
        if isinstance(self.answer, str) and self.answer.endswith(" "):
            return got["code"] == status and str(got["message"]).startswith(self.answer)
        return bool(got == self.answer)


def _posted(name: str, *alerts: Any, stored: int = 1) -> Case:
    return Case(name, json.dumps(alerts).encode(), 200, stored=stored)


def _wrong(name: str, answer: object, *alerts: Any) -> Case:
    return Case(name, json.dumps(alerts).encode(), 400, answer, alerts.count(LABELS))


def _shapeless(name: str, code: int, message: str, *alerts: Any) -> Case:
    return Case(name, json.dumps(alerts).encode(), 422, {"code": code, "message": message})


def _garbled(name: str, payload: bytes) -> Case:
    return Case(name, payload, 400, NOT_PARSED)


def _media(content_type: str, named: str) -> Case:
    wrong = f'unsupported media type "{named}", only [application/json] are allowed'
    answer = {"code": 415, "message": wrong}
    return Case(f"as {named}", b"[]", 415, answer, content_type=content_type)


def _uri(value: str) -> str:
    return f"0.generatorURL in body must be of type uri: {json.dumps(value)}"


CASES = (
    _posted("nothing", stored=0),
    Case("null", b"null", 200),
    _posted("an alert", LABELS),
    _posted("an unknown field", LABELS | {"foo": {"bar": [1]}}),
    _posted("null fields", LABELS | {"annotations": None, "startsAt": None, "generatorURL": None}),
    _posted("null label value beside another", {"labels": {"a": "x", "b": None}}),
    _posted("null annotation", LABELS | {"annotations": {"a": None}}),
    _posted("end only, past", LABELS | {"endsAt": PAST}),
    _posted("end at the start", LABELS | {"startsAt": PAST, "endsAt": PAST}),
    _posted("zero times", LABELS | dict.fromkeys(("startsAt", "endsAt"), "0001-01-01T00:00:00Z")),
    _posted("a zone", LABELS | {"startsAt": "2024-01-01T00:00:00+02:00"}),
    _posted("nanoseconds", LABELS | {"startsAt": "2024-01-01T00:00:00.123456789Z"}),
    _posted("no zone", LABELS | {"startsAt": "2024-01-01T00:00:00"}),
    _posted("no seconds", LABELS | {"startsAt": "2024-01-01T00:00Z"}),
    _posted("an absolute path", LABELS | {"generatorURL": "/graph"}),
    _posted("no URL", LABELS | {"generatorURL": ""}),
    _posted("an IPv6 URL", LABELS | {"generatorURL": "http://[::1]:9090/graph?g0.expr=up"}),
    _posted("another scheme", LABELS | {"generatorURL": "mailto:a@b"}),
    Case("broken UTF-8", b'[{"labels":{"a":"\xff"}}]', 200, stored=1),
    Case("a lone surrogate", b'[{"labels":{"a":"\\ud800"}}]', 200, stored=1),
    Case("a parameter", b"[]", 200, content_type="application/json; charset=utf-8"),
    Case("capitals", b"[]", 200, content_type="Application/JSON"),
    Case("no body", b"", 422, {"code": 602, "message": "alerts in body is required"}),
    _shapeless("no labels", 602, "0.labels in body is required", {}),
    _shapeless("null labels", 602, "1.labels in body is required", LABELS, {"labels": None}),
    _shapeless("a relative URL", 601, _uri("foo"), LABELS | {"generatorURL": "foo"}),
    _shapeless("a bad escape", 601, _uri("h:/%zz"), LABELS | {"generatorURL": "h:/%zz"}),
    _shapeless("a bad port", 601, _uri("h://h:a/"), LABELS | {"generatorURL": "h://h:a/"}),
    _shapeless("URL before labels", 601, _uri("::"), {"generatorURL": "::"}, {}),
    _wrong("empty labels", NO_LABELS, {"labels": {}}),
    _wrong("labels without values", NO_LABELS, {"labels": {"a": "", "b": None}}),
    _wrong("end before start", END_FIRST, ENDED_FIRST),
    _wrong("start too late", END_FIRST, LABELS | {"startsAt": "2999-01-01T00:00:00Z"}),
    _wrong("a nameless label", f"invalid label set: {NO_NAME}", {"labels": {"": "x"}}),
    _wrong("a nameless annotation", f"invalid annotations: {NO_NAME}", NAMELESS_NOTE),
    _wrong("one of two", NO_LABELS, LABELS, {"labels": {}}),
    _wrong("two of three", f"{END_FIRST}; {NO_LABELS}", ENDED_FIRST, LABELS, {"labels": {}}),
    _garbled("a label that is a number", b'[{"labels":{"a":1}}]'),
    _garbled("labels that are a list", b'[{"labels":[]}]'),
    _garbled("an annotation that is a number", b'[{"labels":{"a":"1"},"annotations":{"a":1}}]'),
    _garbled("a URL that is a number", b'[{"labels":{"a":"1"},"generatorURL":5}]'),
    _garbled("a time that is none", b'[{"labels":{"a":"1"},"startsAt":"nope"}]'),
    _garbled("a date", b'[{"labels":{"a":"1"},"startsAt":"2024-01-01"}]'),
    _garbled("a time that is a number", b'[{"labels":{"a":"1"},"endsAt":5}]'),
    _garbled("a time that is none before a missing label", b'[{},{"labels":{},"startsAt":"nope"}]'),
    _garbled("a string", b'"x"'),
    _garbled("a number", b"5"),
    _garbled("half an array", b"[{"),
    _garbled("a byte order mark", b"\xef\xbb\xbf[]"),
    _garbled("deep nesting", b'[{"labels":{"a":"1"},"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}]"),
    _media("text/plain", "text/plain"),
    _media("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
    _media("application/vnd.foo+json", "application/vnd.foo+json"),
)  # fmt: skip

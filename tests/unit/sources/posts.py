"""Payloads and inbox rows as the two sources of alerts meet them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tocsin.model.reading import ReadingContext
from tocsin.model.records import InboxRow

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC).timestamp()
ZERO_TIME = "0001-01-01T00:00:00Z"
CONTEXT = ReadingContext(
    cluster="", replica_labels=frozenset({"replica"}), resolve_timeout_seconds=300
)


def at(offset_seconds: float) -> str:
    """The moment so many seconds after NOW, as Go writes it."""
    moment = datetime.fromtimestamp(NOW + offset_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alert(labels: Mapping[str, str | None] | None = None, /, **fields: Any) -> dict[str, Any]:
    """An alert with the label alertname="x", or with these labels."""
    return {"labels": dict(labels) if labels else {"alertname": "x"}, **fields}


def firing(name: str, **labels: str) -> dict[str, Any]:
    """A firing alert as Alertmanager's webhook posts it."""
    named = {"alertname": name, **labels}
    return alert(named, status="firing", startsAt=at(-60), endsAt=ZERO_TIME)


def resolved(name: str, **labels: str) -> dict[str, Any]:
    """A resolved alert as Alertmanager's webhook posts it."""
    named = {"alertname": name, **labels}
    return alert(named, status="resolved", startsAt=at(-60), endsAt=at(-1))


def webhook(*alerts: Mapping[str, Any], **fields: Any) -> bytes:
    """An object as Alertmanager's webhook posts it."""
    whole = {
        "version": "4",
        "groupKey": '{}:{alertname="x"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "tocsin",
        "externalURL": "http://alertmanager:9093",
        "alerts": alerts,
    }
    return json.dumps(whole | fields).encode()


def row(kind: str, payload: bytes, accepted_at: float = NOW, sender: str = "") -> InboxRow:
    """A payload as the store hands it over."""
    return InboxRow(1, accepted_at, kind, sender, payload)


any_texts = st.text(max_size=3)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | any_texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(any_texts, inner, max_size=2),
    max_leaves=3,
)
any_times = st.sampled_from([None, "", ZERO_TIME, "nope", at(-60), at(0), at(60), at(1e9)])
any_alerts = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.none() | st.dictionaries(any_texts, any_texts | st.none(), max_size=3),
        "annotations": st.none() | st.dictionaries(any_texts, any_texts | st.none(), max_size=3),
        "startsAt": any_times,
        "endsAt": any_times,
        "generatorURL": st.none() | any_texts | st.just("http://p/graph"),
        "other": any_json,
    },
)

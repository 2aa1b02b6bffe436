"""Every kind of inbox row that the edge stores has a reader."""

import pytest

from tests.unit.sources.posts import CONTEXT, firing, row, webhook
from tocsin.model.signal import Status
from tocsin.pipeline.readers import READERS


@pytest.mark.parametrize(
    ("kind", "payload", "status"),
    [
        ("alertmanager/v2", b'[{"labels":{"alertname":"x"}}]', Status.FIRING),
        ("alertmanager/v4", webhook(firing("x")), Status.FIRING),
        ("alertmanager/v4-instant", webhook(firing("x")), Status.INSTANT),
    ],
)
def test_a_kind_is_read_by_its_source(kind: str, payload: bytes, status: Status) -> None:
    ((_, signal),) = READERS[kind].read(row(kind, payload), CONTEXT, {}).signals
    assert signal.status is status


def test_there_are_no_other_kinds() -> None:
    assert set(READERS) == {"alertmanager/v2", "alertmanager/v4", "alertmanager/v4-instant"}

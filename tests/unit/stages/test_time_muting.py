"""Time muting: hours in which a receiver wants no notification."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.factories import receiver
from tocsin.model.entry import entries_of
from tocsin.model.reason import Reason
from tocsin.stages.time_muting import muted

NIGHT = {"times": [{"startTime": "00:00", "endTime": "06:00"}]}
DAY = {"times": [{"startTime": "06:00", "endTime": "24:00"}]}
AT_NIGHT = datetime(2026, 3, 4, 3, 0, tzinfo=UTC).timestamp()
BY_DAY = datetime(2026, 3, 4, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("spec", "now", "expected"),
    [
        ({}, AT_NIGHT, None),
        ({"muteTimes": [NIGHT]}, AT_NIGHT, Reason.MUTED),
        ({"muteTimes": [NIGHT]}, BY_DAY, None),
        ({"activeTimes": [DAY]}, AT_NIGHT, Reason.MUTED),
        ({"activeTimes": [DAY]}, BY_DAY, None),
    ],
)
def test_the_hours_of_a_receiver(spec: dict[str, Any], now: float, expected: Reason | None) -> None:
    (entry,) = entries_of(receiver(**spec))
    assert muted(entry, now) is expected

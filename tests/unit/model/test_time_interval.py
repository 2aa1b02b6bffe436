from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tocsin.model.time_interval import Range, TimeInterval


def _interval(**fields: Any) -> TimeInterval:
    return TimeInterval.model_validate(fields)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("fields", "moment", "contained"),
    [
        ({}, "2026-02-28T12:00", True),
        ({"times": [{"startTime": "09:00", "endTime": "17:00"}]}, "2026-02-28T09:00", True),
        ({"times": [{"startTime": "09:00", "endTime": "17:00"}]}, "2026-02-28T16:59:59", True),
        ({"times": [{"startTime": "09:00", "endTime": "17:00"}]}, "2026-02-28T17:00", False),
        ({"times": [{"startTime": "23:00", "endTime": "24:00"}]}, "2026-02-28T23:59:59", True),
        ({"weekdays": ["saturday"]}, "2026-02-28T12:00", True),
        ({"weekdays": ["monday:friday"]}, "2026-02-28T12:00", False),
        ({"weekdays": ["sunday:monday"]}, "2026-03-01T12:00", True),
        ({"daysOfMonth": ["1:5"]}, "2026-02-05T12:00", True),
        ({"daysOfMonth": ["1:5"]}, "2026-02-06T12:00", False),
        ({"daysOfMonth": ["-1"]}, "2026-02-28T12:00", True),
        ({"daysOfMonth": ["-3:-1"]}, "2026-02-25T12:00", False),
        ({"daysOfMonth": ["-31:-30"]}, "2026-02-01T12:00", False),
        ({"daysOfMonth": ["-31:-28"]}, "2026-02-01T12:00", True),
        ({"daysOfMonth": ["25:-1"]}, "2026-02-28T12:00", True),
        ({"daysOfMonth": ["29:31"]}, "2026-02-28T12:00", False),
        ({"daysOfMonth": ["28:31"]}, "2026-02-28T12:00", True),
        ({"months": ["january:march"]}, "2026-02-28T12:00", True),
        ({"months": ["3:12", "1"]}, "2026-02-28T12:00", False),
        ({"years": ["2026"]}, "2026-02-28T12:00", True),
        ({"years": ["2027:2029"]}, "2026-02-28T12:00", False),
        ({"weekdays": ["monday", "saturday"], "months": ["3"]}, "2026-02-28T12:00", False),
        ({"weekdays": ["sunday"], "location": "Asia/Tokyo"}, "2026-02-28T15:00", True),
        ({"weekdays": ["sunday"], "location": "Asia/Tokyo"}, "2026-02-28T14:59", False),
    ],
)
def test_moments_fall_into_intervals_as_in_alertmanager(
    fields: dict[str, Any], moment: str, contained: bool
) -> None:
    assert _interval(**fields).contains(_at(moment)) is contained


def test_intervals_follow_daylight_saving_time() -> None:
    working = _interval(
        times=[{"startTime": "09:00", "endTime": "10:00"}], location="Europe/Berlin"
    )
    assert working.contains(_at("2026-03-28T08:30"))
    assert not working.contains(_at("2026-03-28T07:30"))
    assert working.contains(_at("2026-03-29T07:30"))


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("weekdays", "friday:monday", "must not begin after its end"),
        ("months", "march:february", "must not begin after its end"),
        ("months", "12:january", "must not begin after its end"),
        ("years", "2029:2027", "must not begin after its end"),
        ("daysOfMonth", "5:1", "must not begin after its end"),
        ("daysOfMonth", "-1:-3", "must not begin after its end"),
        ("daysOfMonth", "31:-3", "must not begin after its end"),
        ("daysOfMonth", "-3:5", "must end with a negative day if it begins with one"),
    ],
)
def test_ranges_that_begin_after_their_end_are_refused(field: str, text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _interval(**{field: [text]})


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../etc/passwd", "Europe", ""])
def test_unknown_time_zones_are_refused(zone: str) -> None:
    with pytest.raises(ValidationError):
        _interval(location=zone)


def test_ranges_hold_whole_numbers_only() -> None:
    assert 2 in Range(1, 2)
    assert 3 not in Range(1, 2)
    assert not Range(1, 2).__contains__("2")

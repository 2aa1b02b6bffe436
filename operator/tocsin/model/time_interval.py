"""Recurring times of the week, month and year; `stages.time_muting` asks them about a moment.

Shape and semantics of Alertmanager's `timeinterval/timeinterval.go`: all fields that are given must
hold, any entry of a field will do, times end exclusively, Sunday is 0, negative days count from the
month's end, and days are clamped to the month.
"""

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final, NamedTuple, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from tocsin.model.schema import Pattern, ResourceModel, Text, cel, list_type

_WEEKDAYS: Final = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS: Final = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


class Range(NamedTuple):
    """Whole numbers from `first` to `last`, both included."""

    first: int
    last: int

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and self.first <= number <= self.last


def _range(text: str, number: Callable[[str], int]) -> Range:
    first, _, last = text.partition(":")
    return Range(number(first), number(last or first))


def _ascending(found: Range) -> Range:
    if found.first > found.last:
        raise ValueError("must not begin after its end")
    return found


def _weekdays(text: str) -> Range:
    return _ascending(_range(text, _WEEKDAYS.index))


def _months(text: str) -> Range:
    return _ascending(
        _range(text, lambda word: int(word) if word.isdigit() else _MONTHS.index(word) + 1)
    )


def _years(text: str) -> Range:
    return _ascending(_range(text, int))


def _days(text: str) -> Range:
    found = _range(text, int)
    if found.first < 0 < found.last:
        raise ValueError("must end with a negative day if it begins with one")
    _ascending(_from_month_start(found, 31))
    return found


def _from_month_start(days: Range, month_length: int) -> Range:
    first, last = (day + month_length + 1 if day < 0 else day for day in days)
    return Range(first, last)


def _minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(_ZONE_MESSAGE) from None
    return text


def _ranges_of(word: str) -> str:
    return f"^({word})(:({word}))?$"


_ZONE_MESSAGE: Final = "must be a time zone of the IANA database, such as Europe/Berlin"
_CLOCK: Final = Pattern(
    "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "must be a time from 00:00 to 24:00, such as 09:30"
)
_WEEKDAY: Final = Pattern(
    _ranges_of("|".join(_WEEKDAYS)), "must be a weekday or a range, such as monday:friday"
)
_DAY: Final = Pattern(
    _ranges_of("-?([1-9]|[12][0-9]|3[01])"),
    "must be a day of the month or a range, such as 1:5, or -3:-1 for the last three days",
)
_MONTH: Final = Pattern(
    _ranges_of("|".join(_MONTHS) + "|[1-9]|1[0-2]"),
    "must be a month or a range, such as january:march or 1:3",
)
_YEAR: Final = Pattern(_ranges_of("[1-9][0-9]{3}"), "must be a year or a range, such as 2027:2029")
_ZONE: Final = Pattern("^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$", _ZONE_MESSAGE)
_KNOWN_ZONE: Final = ("timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0", _ZONE_MESSAGE)

_Clock = Annotated[int, Text(5, _CLOCK), AfterValidator(_minutes)]
_Weekdays = Annotated[Range, Text(19, _WEEKDAY), AfterValidator(_weekdays)]
_Days = Annotated[Range, Text(7, _DAY), AfterValidator(_days)]
_Months = Annotated[Range, Text(19, _MONTH), AfterValidator(_months)]
_Years = Annotated[Range, Text(9, _YEAR), AfterValidator(_years)]
_Zone = Annotated[str, Text(64, _ZONE, rules=[_KNOWN_ZONE]), AfterValidator(_zone)]

_ATOMIC: Final = list_type("atomic")
_TIMES_RULE: Final = "must start before its end"


class TimeRange(ResourceModel):
    """A part of the day, its end not included."""

    model_config = ConfigDict(json_schema_extra=cel(("self.startTime < self.endTime", _TIMES_RULE)))

    start_minute: _Clock = Field(alias="startTime", description="When it starts, such as 09:00.")
    end_minute: _Clock = Field(
        alias="endTime", description="When it has ended, such as 17:30; 24:00 is the day's end."
    )

    @model_validator(mode="after")
    def _is_ascending(self) -> Self:
        if self.start_minute >= self.end_minute:
            raise ValueError(_TIMES_RULE)
        return self


class TimeInterval(ResourceModel):
    """Recurring times: all fields that are given must hold, any entry of each will do."""

    times: tuple[TimeRange, ...] = Field(
        (), max_length=16, description="Parts of the day.", json_schema_extra=_ATOMIC
    )
    weekdays: tuple[_Weekdays, ...] = Field(
        (),
        max_length=7,
        description="Weekdays or ranges of them, such as monday:friday; weeks begin on sunday.",
        json_schema_extra=_ATOMIC,
    )
    days_of_month: tuple[_Days, ...] = Field(
        (),
        max_length=31,
        description="Days of the month or ranges, such as 1:5; negative ones count from its end.",
        json_schema_extra=_ATOMIC,
    )
    months: tuple[_Months, ...] = Field(
        (),
        max_length=12,
        description="Months or ranges, such as january:march or 1:3.",
        json_schema_extra=_ATOMIC,
    )
    years: tuple[_Years, ...] = Field(
        (),
        max_length=16,
        description="Years or ranges, such as 2027:2029.",
        json_schema_extra=_ATOMIC,
    )
    location: _Zone = Field(
        "UTC",
        description="Time zone in which all of this is meant, such as Europe/Berlin.",
    )

    def contains(self, now: float) -> bool:
        """Whether the moment `now` (seconds since the epoch) falls into the interval."""
        moment = datetime.fromtimestamp(now, ZoneInfo(self.location))
        minute = moment.hour * 60 + moment.minute
        return (
            (not self.times or any(t.start_minute <= minute < t.end_minute for t in self.times))
            and (not self.days_of_month or _holds_day(self.days_of_month, moment))
            and _holds(self.months, moment.month)
            and _holds(self.weekdays, moment.isoweekday() % 7)
            and _holds(self.years, moment.year)
        )


def _holds(ranges: Sequence[Range], number: int) -> bool:
    return not ranges or any(number in each for each in ranges)


def _holds_day(ranges: Sequence[Range], moment: datetime) -> bool:
    length = monthrange(moment.year, moment.month)[1]
    return any(moment.day in _from_month_start(each, length) for each in ranges)

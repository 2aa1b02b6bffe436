"""Durations as Prometheus and Alertmanager write them (`1h30m`), parsed to seconds.

Used by the resource models. Follows `ParseDuration` of prometheus/common `model/time.go`: units
y, w, d, h, m, s, ms in that order, each at most once; a lone `0` needs no unit.
"""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from tocsin.model.schema import Pattern, Text

_DAY_SECONDS: Final = 24 * 3600.0
_UNIT_SECONDS: Final = {
    "y": 365 * _DAY_SECONDS,
    "w": 7 * _DAY_SECONDS,
    "d": _DAY_SECONDS,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 0.001,
}
_MAX_SECONDS: Final = 100 * _UNIT_SECONDS["y"]

_SHAPE: Final = Pattern(
    "^(0|{})$".format("".join(f"([0-9]+{unit})?" for unit in _UNIT_SECONDS)),
    "must be a duration such as 30s, 5m, 1h30m, 12h or 1d",
)
_POSITIVE: Final = Pattern("[1-9]", "must be longer than 0")
_PART: Final = re.compile(r"([0-9]+)([a-z]+)")


def parse_duration(text: str) -> float:
    """Return the seconds that `text` stands for.

    Errors: ValueError for anything but a duration, and beyond a hundred years.
    """
    if not text or re.fullmatch(_SHAPE.regex, text) is None:
        raise ValueError(_SHAPE.message)
    seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text))
    if seconds > _MAX_SECONDS:
        raise ValueError("must be at most 100 years")
    return seconds


_LENGTH: Final = 32

Duration = Annotated[float, Text(_LENGTH, _SHAPE), AfterValidator(parse_duration)]
"""A resource's field that holds a duration; a string outside, seconds inside."""

PositiveDuration = Annotated[
    float, Text(_LENGTH, _SHAPE, _POSITIVE), AfterValidator(parse_duration)
]
"""A `Duration` longer than 0."""

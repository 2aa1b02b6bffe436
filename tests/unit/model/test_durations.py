import pytest
from pydantic import TypeAdapter, ValidationError

from tocsin.model.durations import Duration, PositiveDuration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("250ms", 0.25),
        ("30s", 30.0),
        ("5m", 300.0),
        ("12h", 43_200.0),
        ("1h30m", 5_400.0),
        ("1d", 86_400.0),
        ("1w", 604_800.0),
        ("1y", 31_536_000.0),
        ("1y2w3d4h5m6s7ms", 33_019_506.007),
        ("100y", 3_153_600_000.0),
    ],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "5", "1.5h", "1m1h", "-1s", "1h 30m", "s", "1S", "٣s", "5m\n"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration such as 30s"):
        parse_duration(text)


def test_durations_beyond_a_century_are_refused() -> None:
    with pytest.raises(ValueError, match="must be at most 100 years"):
        parse_duration("101y")


def test_fields_hold_seconds() -> None:
    assert TypeAdapter(Duration).validate_python("0s") == 0.0
    assert TypeAdapter(PositiveDuration).validate_python("1m") == 60.0


@pytest.mark.parametrize("text", ["0", "0s", "0h0m"])
def test_positive_durations_refuse_zero(text: str) -> None:
    with pytest.raises(ValidationError, match="must be longer than 0"):
        TypeAdapter(PositiveDuration).validate_python(text)


@pytest.mark.parametrize("value", [5, None, 1.5, True, "1" * 32 + "s"])
def test_fields_refuse_other_types_and_endless_texts(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Duration).validate_python(value)

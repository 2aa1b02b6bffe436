"""Moment: dates and spans as readers see them."""

import pytest

from tocsin.model.moment import date_token, is_moment, span_text, utc_text

YEAR_ONE = -62_135_596_800.0


def test_a_date_token_has_a_fallback_for_clients_without_dates() -> None:
    assert date_token(1_754_820_240.9) == (
        "<!date^1754820240^{date_short_pretty} {time}|2025-08-10 10:04 UTC>"
    )
    assert utc_text(1_754_820_240.9) == "2025-08-10 10:04 UTC"


@pytest.mark.parametrize(
    "seconds", [None, 0.0, YEAR_ONE, 1e18, float("nan"), float("inf"), -float("inf")]
)
def test_what_is_no_date_is_told_apart(seconds: float | None) -> None:
    assert not is_moment(seconds)


@pytest.mark.parametrize("seconds", [1.0, 1_754_820_240.0, 253_402_214_400.0])
def test_every_moment_has_a_token(seconds: float) -> None:
    assert is_moment(seconds)
    assert date_token(seconds).endswith(" UTC>")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "1s"),
        (0.2, "1s"),
        (59.9, "59s"),
        (60, "1m"),
        (3_599, "59m"),
        (3_600, "1h"),
        (7_530, "2h 5m"),
        (86_399, "23h 59m"),
        (86_400, "1d"),
        (3 * 86_400 + 4 * 3_600 + 59, "3d 4h"),
        (400 * 86_400, "400d"),
    ],
)
def test_a_span_is_as_fine_as_it_helps(seconds: float, text: str) -> None:
    assert span_text(seconds) == text

"""Points in time and spans of time as a reader of Slack sees them.

Seconds come in, text goes out; rendering calls it. Slack shows a date token in each reader's own
time zone ("Formatting text for app surfaces", date formatting).
"""

from datetime import UTC, datetime
from typing import Final

_EARLIEST_SECONDS: Final = 1.0
_LATEST_SECONDS: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_UNITS: Final = (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60))


def is_moment(seconds: float | None) -> bool:
    """Whether this can be shown as a date; year 1, Go's zero time, cannot."""
    return seconds is not None and _EARLIEST_SECONDS <= seconds <= _LATEST_SECONDS


def utc_text(seconds: float) -> str:
    """Return `2026-08-10 10:04 UTC` for a moment."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def date_token(seconds: float) -> str:
    """Return mrkdwn that Slack shows as `Today 10:04 AM` in the reader's time zone."""
    return f"<!date^{int(seconds)}^{{date_short_pretty}} {{time}}|{utc_text(seconds)}>"


def span_text(seconds: float) -> str:
    """Return a span of time as `45s`, `14m`, `2h 5m` or `3d 4h`; at least `1s`."""
    whole = max(1, int(seconds))
    for unit, size, smaller_unit, smaller_size in _UNITS:
        if whole >= size:
            rest = whole % size // smaller_size
            return f"{whole // size}{unit}" + (f" {rest}{smaller_unit}" if rest else "")
    return f"{whole // 60}m" if whole >= 60 else f"{whole}s"

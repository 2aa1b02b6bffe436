"""Points in time and spans of time as a reader of Slack sees them.

Seconds come in, text goes out; rendering calls it. Slack shows a date token in each reader's own
time zone ("Formatting text for app surfaces", date formatting).
"""

from datetime import UTC, datetime
from typing import Final

_EARLIEST_SECONDS: Final = 1.0
_LATEST_SECONDS: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
_SPANS: Final = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


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
    """Return a span as `45s`, `14m`, `2h 5m` or `3d 4h`: its two largest units, at least `1s`."""
    rest = max(1, int(seconds))
    for place, (unit, length) in enumerate(_SPANS):
        count, rest = divmod(rest, length)
        if count:
            break
    parts = [f"{count}{unit}"]
    if unit in ("d", "h"):
        smaller_unit, smaller_length = _SPANS[place + 1]
        if rest >= smaller_length:
            parts.append(f"{rest // smaller_length}{smaller_unit}")
    return " ".join(parts)

"""Cursors and limits of the methods that answer in pages.

Source: https://docs.slack.dev/apis/web-api/pagination. A cursor is opaque to clients: base64 of a
kind and a position, so that one method's cursor means nothing to another.
"""

import base64
import binascii
from typing import Final

from lab.slack.call import Call
from lab.slack.errors import Refusal

_MAX_CURSOR: Final = 200


def write_cursor(kind: str, position: int) -> str:
    """The cursor of the page that begins at `position`."""
    return base64.b64encode(f"{kind}:{position}".encode()).decode()


def read_cursor(call: Call, kind: str) -> int:
    """The position in the call's cursor; 0 without one. Errors: invalid_cursor."""
    cursor = str(call.values.get("cursor") or "")
    if not cursor:
        return 0
    try:
        found, _, position = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("invalid_cursor") from None
    if found != kind or not position.isdecimal() or len(cursor) > _MAX_CURSOR:
        raise Refusal("invalid_cursor")
    return int(position)


def read_limit(call: Call, *, default: int, most: int) -> int:
    """How many items a page may hold. Errors: invalid_limit beyond 1 to `most`."""
    value = call.values.get("limit")
    if value is None or value == "":
        return default
    text = str(value)
    if not text.isdecimal() or len(text) > len(str(most)) or not 1 <= int(text) <= most:
        raise Refusal("invalid_limit")
    return int(text)

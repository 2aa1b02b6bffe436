"""conversations.history and conversations.replies.

Source: https://docs.slack.dev/reference/methods/conversations.history and conversations.replies.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from lab.slack.call import Call
from lab.slack.cursors import read_cursor, read_limit, write_cursor
from lab.slack.errors import Refusal
from lab.slack.messages import FIRST, LAST, Message, Timeline, parse_time
from lab.slack.views import history_view
from lab.slack.workspace import Channel

HISTORY_SCOPES: Final = ("channels:history", "groups:history", "mpim:history", "im:history")
MAX_HISTORY: Final = 999
DEFAULT_HISTORY: Final = 100
MAX_REPLIES: Final = 1000


def history(call: Call) -> dict[str, Any]:
    """What a channel shows within a window of time, newest first, a page at a time.

    Pages begin at `latest`; with `oldest` alone they begin there and go forward, as Slack
    documents.
    """
    channel = _find_readable(call)
    oldest, latest = _read_bound(call, "oldest", FIRST), _read_bound(call, "latest", LAST)
    limit = read_limit(call, default=DEFAULT_HISTORY, most=MAX_HISTORY)
    start = read_cursor(call, "next_ts")
    timeline = call.state.timeline(channel.id)
    found: Iterable[Message] = timeline.between(oldest, latest, inclusive=call.flag("inclusive"))
    forward = bool(call.values.get("oldest")) and not call.values.get("latest")
    if forward:
        found = reversed(list(found))
    window = list(islice(_after(found, start, forward=forward), limit + 1))
    page = window[:limit]
    more = len(window) > limit
    answer: dict[str, Any] = {
        "messages": [_view(call, timeline, m) for m in (page[::-1] if forward else page)],
        "has_more": more,
        "pin_count": 0,
    }
    if more:
        answer["response_metadata"] = {"next_cursor": write_cursor("next_ts", _number(page[-1].ts))}
    return answer


def replies(call: Call) -> dict[str, Any]:
    """A thread: its parent, then its replies, oldest first, a page at a time.

    By a reply's own ts, that reply alone. The parent is on the first page only.
    """
    channel = _find_readable(call)
    ts = call.required("ts")
    oldest, latest = _read_bound(call, "oldest", FIRST), _read_bound(call, "latest", LAST)
    limit = read_limit(call, default=MAX_REPLIES, most=MAX_REPLIES)
    start = read_cursor(call, "next_ts")
    timeline = call.state.timeline(channel.id)
    parent, thread = timeline.get(ts), timeline.replies(ts)
    if timeline.identity_of(ts) is None and not thread:
        raise Refusal("thread_not_found")
    inclusive = call.flag("inclusive")
    found = [
        reply
        for reply in thread
        if (oldest < reply.ts < latest) or (inclusive and reply.ts in (oldest, latest))
    ]
    head = [parent] if parent and not start else []
    window = head + [reply for reply in found if _number(reply.ts) > start]
    page = window[:limit]
    answer: dict[str, Any] = {
        "messages": [_view(call, timeline, message) for message in page],
        "has_more": len(window) > limit,
    }
    if answer["has_more"]:
        answer["response_metadata"] = {"next_cursor": write_cursor("next_ts", _number(page[-1].ts))}
    return answer


def _find_readable(call: Call) -> Channel:
    """The channel, if its history is the caller's to read.

    Errors: channel_not_found; missing_scope for its kind; not_in_channel for an app that is no
    member (people may read any public channel).
    """
    channel = call.find_visible(call.required("channel"))
    call.require_scope(f"{channel.kind}:history")
    if call.token.kind == "bot" and not call.is_member(channel):
        raise Refusal("not_in_channel")
    return channel


def _read_bound(call: Call, name: str, default: str) -> str:
    value = call.values.get(name)
    if value is None or value == "":
        return default
    bound = parse_time(value)
    if bound is None:
        raise Refusal(f"invalid_ts_{name}")
    return bound


def _after(found: Iterable[Message], start: int, *, forward: bool) -> Iterator[Message]:
    """The messages beyond the cursor's; a cursor of 0 is the beginning."""
    for message in found:
        number = _number(message.ts)
        if not start or (number > start if forward else number < start):
            yield message


def _number(ts: str) -> int:
    """A ts in microseconds."""
    return int(ts.replace(".", ""))


def _view(call: Call, timeline: Timeline, message: Message) -> dict[str, Any]:
    parent = timeline.get(message.thread_ts) if message.thread_ts else None
    own = timeline.replies(message.ts)
    return history_view(message, parent, own, with_metadata=call.flag("include_all_metadata"))

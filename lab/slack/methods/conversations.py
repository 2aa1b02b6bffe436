"""conversations.info, conversations.list and conversations.open.

Source: https://docs.slack.dev/reference/methods/conversations.list and its neighbours.
"""

from itertools import islice
from typing import Any, Final

from lab.slack.call import Call
from lab.slack.cursors import read_cursor, read_limit, write_cursor
from lab.slack.errors import Refusal
from lab.slack.views import channel_view
from lab.slack.workspace import Channel

READ_SCOPES: Final = ("channels:read", "groups:read", "mpim:read", "im:read")
MAX_LISTED: Final = 999
DEFAULT_LISTED: Final = 100

_SCOPE_OF_TYPE: Final = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "mpim": "mpim:read",
    "im": "im:read",
}
_TYPE_OF_KIND: Final = {"channels": "public_channel", "groups": "private_channel", "im": "im"}


def info(call: Call) -> dict[str, Any]:
    """A channel by its ID."""
    channel = call.find_visible(call.required("channel"))
    call.require_scope(f"{channel.kind}:read")
    view = channel_view(channel, is_member=call.is_member(channel))
    if call.flag("include_num_members"):
        view["num_members"] = len(channel.members)
    return {"channel": view}


def list_channels(call: Call) -> dict[str, Any]:
    """The team's channels of the types asked for, a page at a time.

    As at Slack, archived channels are left out of a page after it was cut: a page may be short,
    even empty, and still not be the last.
    """
    types = _read_types(call)
    limit = read_limit(call, default=DEFAULT_LISTED, most=MAX_LISTED)
    start = read_cursor(call, "start")
    found = (
        channel for channel in call.state.channels.values() if _is_listed(call, channel, types)
    )
    page = list(islice(found, start, start + limit + 1))
    cursor = write_cursor("start", start + limit) if len(page) > limit else ""
    skip_archived = call.flag("exclude_archived")
    return {
        "channels": [
            channel_view(channel, is_member=call.is_member(channel))
            for channel in page[:limit]
            if not (skip_archived and channel.archived)
        ],
        "response_metadata": {"next_cursor": cursor},
    }


def open_direct(call: Call) -> dict[str, Any]:
    """A direct message with one person, by `users`, or again by its `channel`.

    Group conversations are not modelled: more than one person is
    method_not_supported_for_channel_type.
    """
    if call.values.get("channel"):
        channel = call.find_visible(call.required("channel"))
        if not channel.user:
            raise Refusal("method_not_supported_for_channel_type")
        return _opened(call, channel, is_new=False)
    if not call.values.get("users"):
        raise Refusal("users_list_not_supplied")
    users = call.required("users").split(",")
    if len(users) > 1:
        raise Refusal("method_not_supported_for_channel_type")
    opened = call.state.open_direct(call.token, users[0].strip())
    if opened is None:
        raise Refusal("user_not_found")
    call.channel = opened[0]
    return _opened(call, opened[0], is_new=opened[1])


def _opened(call: Call, channel: Channel, *, is_new: bool) -> dict[str, Any]:
    view = channel_view(channel, is_member=True) if call.flag("return_im") else {"id": channel.id}
    known = {} if is_new else {"no_op": True, "already_open": True}
    return {"channel": view, **known}


def _read_types(call: Call) -> set[str]:
    """The types asked for. Errors: invalid_types; missing_scope, as each type needs its own."""
    asked = str(call.values.get("types") or "public_channel")
    types = {name.strip() for name in asked.split(",")}
    if not types <= _SCOPE_OF_TYPE.keys():
        raise Refusal("invalid_types")
    for name in sorted(types):
        call.require_scope(_SCOPE_OF_TYPE[name])
    return types


def _is_listed(call: Call, channel: Channel, types: set[str]) -> bool:
    if channel.team != call.token.team or _TYPE_OF_KIND[channel.kind] not in types:
        return False
    return not channel.private or call.is_member(channel)

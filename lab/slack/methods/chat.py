"""chat.postMessage and chat.update.

Source: https://docs.slack.dev/reference/methods/chat.postMessage and chat.update. As observed
rather than documented: a custom name or icon is ignored without chat:write.customize; a well-formed
thread_ts without a message is accepted, and the reply is in a thread that nobody sees.
"""

import time
from dataclasses import replace
from typing import Any, Final

from lab.slack.call import Call
from lab.slack.content import Content, pack, read_content, read_edit
from lab.slack.errors import Refusal
from lab.slack.messages import TS_SHAPE, Author, Message
from lab.slack.views import message_view
from lab.slack.workspace import Channel

_CUSTOM: Final = ("username", "icon_emoji", "icon_url")
_PEOPLE: Final = ("U", "W")


def post_message(call: Call) -> dict[str, Any]:
    """Post to a channel by ID or name, or to a person by ID."""
    channel = _find_destination(call, call.required("channel"))
    call.spend(channel.id)
    thread_ts = call.values.get("thread_ts") or ""
    if thread_ts and not TS_SHAPE.fullmatch(str(thread_ts)):
        raise Refusal.explained("invalid_thread_ts", [f"{thread_ts} is not a valid thread_ts"])
    content = read_content(call.values)
    if content.truncated:
        call.warnings += ("message_truncated",)
    message = Message(
        ts=call.state.timeline(channel.id).next_ts(time.time()),
        channel=channel.id,
        team=call.token.team,
        author=_author(call),
        text=content.text or "",
        blocks=pack(content.blocks),
        attachments=pack(content.attachments),
        metadata=pack(content.metadata),
        thread_ts=str(thread_ts),
        broadcast=bool(thread_ts) and call.flag("reply_broadcast"),
    )
    call.state.add(message)
    return {"channel": channel.id, "ts": message.ts, "message": message_view(message)}


def update(call: Call) -> dict[str, Any]:
    """Edit one of the caller's own messages, found by the channel's ID and its ts."""
    channel = call.find_visible(call.required("channel"))
    ts = call.required("ts")
    timeline = call.state.timeline(channel.id)
    identity = timeline.identity_of(ts)
    if identity is None:
        raise Refusal("message_not_found")
    if identity != call.token.user:
        raise Refusal("cant_update_message")
    if channel.archived:
        raise Refusal("is_inactive")
    _check_edit_window(call, ts)
    content = read_edit(call.values)
    message = timeline.get(ts)
    if message is None:
        message = Message(ts, channel.id, call.token.team, _author(call), "", None, None)
        _apply(message, content)
    else:
        _apply(message, content)
        call.state.edited(message)
    view = message_view(message)
    return {"channel": channel.id, "ts": ts, "text": message.text, "message": view}


def _find_destination(call: Call, asked: str) -> Channel:
    """Where a post goes. Errors: channel_not_found, is_archived, not_in_channel."""
    if asked.startswith(_PEOPLE) and call.state.find_channel(call.token.team, asked) is None:
        opened = call.state.open_direct(call.token, asked)
        if opened is None:
            raise Refusal("channel_not_found")
        call.channel = opened[0]
        return opened[0]
    channel = call.find_visible(asked, by_name=True)
    if channel.archived:
        raise Refusal("is_archived")
    if not (call.is_member(channel) or call.has_scope("chat:write.public")):
        raise Refusal("not_in_channel")
    return channel


def _author(call: Call) -> Author:
    author = call.state.author(call.token)
    if not any(name in call.values for name in _CUSTOM):
        return author
    if not call.has_scope("chat:write.customize"):
        return author
    custom = {name: call.values[name] for name in _CUSTOM if call.values.get(name)}
    return replace(author, **{name: str(value) for name, value in custom.items()})


def _check_edit_window(call: Call, ts: str) -> None:
    window_seconds = call.state.teams[call.token.team].edit_window_seconds
    if window_seconds is not None and time.time() - float(ts) > window_seconds:
        raise Refusal("edit_window_closed")


def _apply(message: Message, content: Content) -> None:
    """Change what the edit speaks of. Text without blocks removes the blocks; attachments stay."""
    if content.text is not None:
        message.text = content.text
    if content.blocks is not None or content.text is not None:
        message.blocks = pack(content.blocks)
    if content.attachments is not None:
        message.attachments = pack(content.attachments)
    if content.metadata is not None:
        message.metadata = pack(content.metadata)

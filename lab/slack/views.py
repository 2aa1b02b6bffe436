"""Messages and channels as Slack's answers show them.

Comes in: records of `state`. Goes out: JSON-ready dicts. Called by `methods`.

Source: the answers documented at https://docs.slack.dev/reference/methods.
"""

from typing import Any

from lab.slack.messages import Author, Message
from lab.slack.workspace import Channel, User


def message_view(message: Message, *, with_metadata: bool = True) -> dict[str, Any]:
    """A message by itself; `history_view` adds what only history and replies show."""
    author = message.author
    view: dict[str, Any] = {"type": "message", "ts": message.ts, "text": message.text}
    view |= _signature(author, message.team)
    if message.blocks:
        view["blocks"] = message.blocks
    if message.attachments:
        view["attachments"] = message.attachments
    if message.thread_ts:
        view["thread_ts"] = message.thread_ts
    if message.edited_ts:
        view["edited"] = {"user": author.identity, "ts": message.edited_ts}
    if with_metadata and message.metadata:
        view["metadata"] = message.metadata
    return view


def history_view(
    message: Message, parent: Message | None, replies: list[Message], *, with_metadata: bool
) -> dict[str, Any]:
    """A message in history or a thread. `replies` are its own; `parent` is its thread's."""
    view = message_view(message, with_metadata=with_metadata)
    if replies:
        people = list(dict.fromkeys(reply.author.identity for reply in replies))
        view |= {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": people,
            "reply_users_count": len(people),
            "latest_reply": replies[-1].ts,
        }
    if message.thread_ts and parent:
        view["parent_user_id"] = parent.author.user
    if message.broadcast:
        view["subtype"] = "thread_broadcast"
        if parent:
            view["root"] = message_view(parent, with_metadata=with_metadata)
    return view


def channel_view(channel: Channel, *, is_member: bool) -> dict[str, Any]:
    """A channel, or a direct message, as info and list show it."""
    if channel.user:
        return {
            "id": channel.id,
            "is_im": True,
            "user": channel.user,
            "is_archived": channel.archived,
            "context_team_id": channel.team,
        }
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.private,
        "is_group": channel.private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.private,
        "is_archived": channel.archived,
        "is_general": channel.name == "general",
        "is_member": is_member,
        "context_team_id": channel.team,
    }


def user_view(user: User) -> dict[str, Any]:
    """A person, with the e-mail address in the profile."""
    return {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "real_name": user.real_name or user.name,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "profile": {"real_name": user.real_name or user.name, "email": user.email},
    }


def _signature(author: Author, team: str) -> dict[str, Any]:
    """The fields that say who wrote a message; webhooks and custom names post as `bot_message`."""
    signature: dict[str, Any] = {"team": team}
    if author.user:
        signature["user"] = author.user
    if author.bot_id:
        signature |= {"bot_id": author.bot_id, "app_id": author.app_id}
    if author.username or not author.user:
        signature |= {"subtype": "bot_message", "username": author.username or author.name}
    if author.icon_emoji:
        signature["icons"] = {"emoji": author.icon_emoji}
    elif author.icon_url:
        signature["icons"] = {"image_48": author.icon_url}
    return signature

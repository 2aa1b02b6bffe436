"""The live workspace: who may do what, which channels there are, and what was said in them.

Comes in: records (`workspace`), posts and edits (`methods`, `webhooks`), changes (`control`). Goes
out: look-ups for these, and each change to whoever watches (`feed`). All in memory, no I/O, one
thread.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from lab.slack.messages import Author, Message, Timeline
from lab.slack.workspace import Channel, Team, Token, User, Webhook, Workspace

DEFAULT_KEPT_MESSAGES: Final = 50_000

Change = Literal["message", "edit", "delete"]
Watcher = Callable[[Change, Message], None]


class State:
    """Everything that the stand-in remembers. `kept_messages`: how many keep their content."""

    def __init__(self, workspace: Workspace, *, kept_messages: int = DEFAULT_KEPT_MESSAGES) -> None:
        self._initial = msgspec.json.encode(workspace)
        self._kept_messages = kept_messages
        self._watchers: list[Watcher] = []
        self.reset()

    def reset(self, workspace: Workspace | None = None) -> None:
        """Forget all messages and changes; start over with `workspace`, or the one before."""
        if workspace is not None:
            self._initial = msgspec.json.encode(workspace)
        fresh = msgspec.json.decode(self._initial, type=Workspace)
        self.teams = {team.id: team for team in fresh.teams}
        self.users = {user.id: user for user in fresh.users}
        self.tokens = {token.token: token for token in fresh.tokens}
        self.channels = {channel.id: channel for channel in fresh.channels}
        self.webhooks = {webhook.id: webhook for webhook in fresh.webhooks}
        self._by_name = {(c.team, c.name): c for c in fresh.channels if c.name}
        self._by_email = {(u.team, u.email.lower()): u for u in fresh.users if u.email}
        self._direct: dict[tuple[str, str], Channel] = {}
        self._timelines: dict[str, Timeline] = {}
        self._recent: deque[tuple[Timeline, str]] = deque()

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` after each post, edit and deletion."""
        self._watchers.append(watcher)

    def put(self, record: Team | User | Token | Channel | Webhook) -> None:
        """Add a record, or replace the one with the same ID."""
        match record:
            case Team():
                self.teams[record.id] = record
            case Token():
                self.tokens[record.token] = record
            case Webhook():
                self.webhooks[record.id] = record
            case User():
                before = self.users.get(record.id)
                if before:
                    self._by_email.pop((before.team, before.email.lower()), None)
                self.users[record.id] = record
                if record.email:
                    self._by_email[record.team, record.email.lower()] = record
            case Channel():
                known = self.channels.get(record.id)
                if known:
                    self._by_name.pop((known.team, known.name), None)
                self.channels[record.id] = record
                if record.name:
                    self._by_name[record.team, record.name] = record

    def find_channel(self, team: str, asked: str) -> Channel | None:
        """The channel with this ID, or this name with or without `#`, whoever may see it."""
        channel = self.channels.get(asked)
        if channel is None:
            return self._by_name.get((team, asked.removeprefix("#")))
        return channel if channel.team == team else None

    def find_user(self, team: str, email: str) -> User | None:
        """The user with this e-mail address, in any case."""
        return self._by_email.get((team, email.lower()))

    def open_direct(self, app: Token, user_id: str) -> tuple[Channel, bool] | None:
        """The app's direct message with a person, and whether it is new. None: no such person."""
        user = self.users.get(user_id)
        if user is None or user.team != app.team or user.deleted:
            return None
        pair = (app.user, user_id)
        channel = self._direct.get(pair)
        if channel:
            return channel, False
        channel = Channel(
            id=f"D{len(self._direct) + 1:08d}",
            team=app.team,
            members={app.user, user_id},
            private=True,
            user=user_id,
        )
        self._direct[pair] = self.channels[channel.id] = channel
        return channel, True

    def timeline(self, channel_id: str) -> Timeline:
        """The channel's messages; empty for one without any."""
        timeline = self._timelines.get(channel_id)
        if timeline is None:
            timeline = self._timelines[channel_id] = Timeline()
        return timeline

    def add(self, message: Message) -> None:
        """Take a new message; the oldest beyond the kept ones lose their content."""
        timeline = self.timeline(message.channel)
        timeline.add(message)
        self._recent.append((timeline, message.ts))
        if len(self._recent) > self._kept_messages:
            oldest_timeline, oldest_ts = self._recent.popleft()
            oldest_timeline.forget(oldest_ts)
        self._tell("message", message)

    def edited(self, message: Message) -> None:
        """Note that a message was changed just now."""
        message.edited_ts = f"{time.time():.6f}"
        self._tell("edit", message)

    def delete(self, channel_id: str, ts: str) -> bool:
        """Delete a message as a person would; False if there is none."""
        timeline = self.timeline(channel_id)
        existed = timeline.identity_of(ts) is not None
        message = timeline.delete(ts)
        if message:
            self._tell("delete", message)
        return existed

    def author(self, token: Token) -> Author:
        """How messages of this token are signed."""
        user = self.users.get(token.user)
        name = token.name if token.kind == "bot" or user is None else user.real_name or user.name
        return Author(user=token.user, bot_id=token.bot_id, app_id=token.app_id, name=name)

    def _tell(self, change: Change, message: Message) -> None:
        for watcher in self._watchers:
            watcher(change, message)

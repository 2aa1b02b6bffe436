"""Messages and the timeline of one channel: order, threads, and what is forgotten.

Comes in: new, edited and deleted messages from `state`. Goes out: messages by `ts`, by thread and
by time window. A `ts` is "1700000000.000100": seconds and microseconds of the epoch, unique and
rising within a channel, so that strings order as times do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

TS_SHAPE: Final = re.compile(r"\d{10}\.\d{6}")
_TIME_SHAPE: Final = re.compile(r"(\d{1,10})(?:\.(\d{0,6})\d*)?")
FIRST: Final = "0000000000.000000"
LAST: Final = "9999999999.999999"


@dataclass(frozen=True, slots=True)
class Author:
    """Who a message is from. `user` is empty for webhooks; names and icons are what people see."""

    user: str
    bot_id: str
    app_id: str
    name: str
    username: str = ""
    icon_emoji: str = ""
    icon_url: str = ""

    @property
    def identity(self) -> str:
        """What an editor must share with the author."""
        return self.user or self.bot_id


@dataclass(slots=True)
class Message:
    """A message as it now stands. `thread_ts` is the parent's `ts`, empty outside threads.

    Structures are kept as JSON, at a fifth of the memory and no work for the garbage collector.
    `blocks` and `attachments` are None where the message has none; `edited_ts` is empty until
    edited.
    """

    ts: str
    channel: str
    team: str
    author: Author
    text: str
    blocks: msgspec.Raw | None
    attachments: msgspec.Raw | None
    metadata: msgspec.Raw | None = None
    thread_ts: str = ""
    broadcast: bool = False
    edited_ts: str = ""

    @property
    def in_channel(self) -> bool:
        """Whether the channel shows it outside its thread."""
        return not self.thread_ts or self.broadcast


class Timeline:
    """One channel's messages, oldest first."""

    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._threads: dict[str, list[str]] = {}
        self._forgotten: dict[str, str] = {}
        self._last_us = 0

    def next_ts(self, now_seconds: float) -> str:
        """A `ts` for a message posted now, later than all before it."""
        self._last_us = max(int(now_seconds * 1_000_000), self._last_us + 1)
        seconds, microseconds = divmod(self._last_us, 1_000_000)
        return f"{seconds:010d}.{microseconds:06d}"

    def add(self, message: Message) -> None:
        """Append a message whose `ts` came from `next_ts`."""
        self._messages[message.ts] = message
        if message.thread_ts:
            self._threads.setdefault(message.thread_ts, []).append(message.ts)

    def get(self, ts: str) -> Message | None:
        """The message, unless it never was, was deleted or is forgotten."""
        return self._messages.get(ts)

    def identity_of(self, ts: str) -> str | None:
        """Whose message it is, even if its content is forgotten; None if there is no message."""
        message = self._messages.get(ts)
        return message.author.identity if message else self._forgotten.get(ts)

    def forget(self, ts: str) -> None:
        """Keep only that the message exists and whose it is. Does nothing for a deleted message."""
        message = self._take(ts)
        if message:
            self._forgotten[ts] = message.author.identity

    def delete(self, ts: str) -> Message | None:
        """Remove a message as if a person had deleted it; its replies stay."""
        self._forgotten.pop(ts, None)
        return self._take(ts)

    def replies(self, parent_ts: str) -> list[Message]:
        """The thread's replies that are still known, oldest first, without its parent."""
        return [self._messages[ts] for ts in self._threads.get(parent_ts, ())]

    def between(self, oldest: str, latest: str, *, inclusive: bool) -> Iterator[Message]:
        """What the channel shows in a window of time, newest first."""
        for message in reversed(self._messages.values()):
            ts = message.ts
            if ts < oldest or (ts == oldest and not inclusive):
                return
            if (ts < latest or (ts == latest and inclusive)) and message.in_channel:
                yield message

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages.values())

    def _take(self, ts: str) -> Message | None:
        message = self._messages.pop(ts, None)
        if message and message.thread_ts:
            thread = self._threads[message.thread_ts]
            thread.remove(ts)
            if not thread:
                del self._threads[message.thread_ts]
        return message


def parse_time(value: object) -> str | None:
    """A time bound ("1700000000", "1700000000.5", a number) as a `ts`; None if it is none."""
    shape = _TIME_SHAPE.fullmatch(str(value))
    if shape is None:
        return None
    return f"{shape[1]:0>10}.{shape[2] or '':0<6}"

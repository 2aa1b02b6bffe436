"""What the page shows: a snapshot to begin with, then every change as a server-sent event.

Comes in: changes from `state`, refusals from `web_api` and `webhooks`. Goes out: JSON for the page.
Costs next to nothing while nobody watches; a watcher that falls behind is told to fetch the
snapshot again.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from lab.slack.errors import RateLimited, Refusal
from lab.slack.messages import Message
from lab.slack.state import Change, State

SNAPSHOT_MESSAGES: Final = 200
KEPT_REFUSALS: Final = 500
MAX_BACKLOG: Final = 1_000
RESYNC: Final = b'{"kind":"resync"}'
_encode: Final = msgspec.json.Encoder().encode


class Feed:
    """Passes changes on to the pages that are open."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._refusals: deque[dict[str, Any]] = deque(maxlen=KEPT_REFUSALS)
        self._listeners: set[asyncio.Queue[bytes]] = set()
        state.watch(self._changed)

    def refused(self, method: str, refusal: Refusal, channel: str, asked: str) -> None:
        """Note a post or an edit that was refused; `channel` is empty where none was found."""
        wait_seconds = refusal.retry_after_seconds if isinstance(refusal, RateLimited) else 0
        notice = {
            "kind": "refusal",
            "at": time.time(),
            "method": method,
            "error": refusal.code,
            "channel": channel,
            "asked": asked,
            "retry_after_seconds": wait_seconds,
        }
        self._refusals.append(notice)
        if self._listeners:
            self._publish(_encode(notice))

    def changed_workspace(self) -> None:
        """Let pages fetch everything again: channels changed, or all was reset."""
        self._publish(RESYNC)

    def clear(self) -> None:
        """Forget the refusals."""
        self._refusals.clear()

    def snapshot(self) -> bytes:
        """Channels, their newest messages and the newest refusals, as one JSON object."""
        messages: list[dict[str, Any]] = []
        for channel_id in self._state.channels:
            timeline = list(self._state.timeline(channel_id))
            messages += [_page_view(message) for message in timeline[-SNAPSHOT_MESSAGES:]]
        return _encode(
            {
                "teams": [{"id": t.id, "name": t.name} for t in self._state.teams.values()],
                "users": {u.id: u.real_name or u.name for u in self._state.users.values()},
                "channels": list(self._state.channels.values()),
                "messages": messages,
                "refusals": list(self._refusals),
            }
        )

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[asyncio.Queue[bytes]]:
        """A queue of events, each one JSON object, for as long as the context lasts."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(MAX_BACKLOG)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def _changed(self, change: Change, message: Message) -> None:
        if self._listeners:
            self._publish(_encode({"kind": change, "message": _page_view(message)}))

    def _publish(self, event: bytes) -> None:
        for queue in self._listeners:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(RESYNC)
            else:
                queue.put_nowait(event)


def _page_view(message: Message) -> dict[str, Any]:
    author = message.author
    return {
        "channel": message.channel,
        "ts": message.ts,
        "author": author.username or author.name,
        "icon_emoji": author.icon_emoji,
        "is_app": bool(author.bot_id),
        "text": message.text,
        "blocks": message.blocks or [],
        "attachments": message.attachments or [],
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
        "edited": bool(message.edited_ts),
    }

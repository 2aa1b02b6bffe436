"""Slack's Web API: the port `Slack`, one call each, without retries or pacing.

In: a workspace's connection and what to do there. Out: checked answers, or errors of
`tocsin.errors`. Called by the pipeline.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from tocsin.adapters.slack_answers import (
    DELIVERY_EVENT,
    AuthTest,
    ConversationInfo,
    ConversationPage,
    HistoryPage,
    Posted,
)
from tocsin.adapters.slack_client import SlackClient
from tocsin.adapters.slack_errors import unclear
from tocsin.errors import SlackMessageGone, SlackTransient
from tocsin.model.message import Message, MessageRef
from tocsin.model.workspace import ChannelInfo, ChannelListing, Connection, Identity

_PAGE_ITEMS: Final = 200
_MAX_HISTORY_PAGES: Final = 50
_HISTORY_WINDOW_SECONDS: Final = 3600.0
"""No post is accepted later than this after its attempt began, clocks that differ included."""

_MAX_LIST_PAGES: Final = 500
_QUICK_LIST_PAGES: Final = 10
_LIST_INTERVAL_SECONDS: Final = 3.0
"""Slack's tier 2, 20 calls a minute, after a burst that it tolerates."""
_MAX_LIST_WAIT_SECONDS: Final = 300.0

_AS_WRITTEN: Final[Mapping[str, Any]] = {"parse": "none", "link_names": False}
_NO_PREVIEWS: Final[Mapping[str, Any]] = {"unfurl_links": False, "unfurl_media": False}

_Shape = TypeVar("_Shape")


class SlackWebApi:
    """The port `Slack`; make it inside the event loop, close it at the end.

    `proxies` are HTTP proxies by scheme, with `no` for the exceptions, as `adapters.proxies` takes
    them. `sleep` waits between the pages of a long listing.
    """

    def __init__(
        self,
        proxies: Mapping[str, str],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = SlackClient(proxies)
        self._sleep = sleep

    async def verify(self, connection: Connection) -> Identity:
        """Ask Slack who we are: auth.test, with the scopes from the answer's headers."""
        response = await self._client.post(connection, "auth.test", {})
        answer = _shaped("auth.test", response.data, AuthTest)
        return answer.identity(response.headers.get("X-OAuth-Scopes", ""))

    async def post(
        self,
        connection: Connection,
        channel: str,
        message: Message,
        delivery_id: str,
        thread_ts: str = "",
    ) -> MessageRef:
        """Post a message, or with `thread_ts` a reply that the channel shows too."""
        arguments = {
            "channel": channel,
            "text": message.text,
            "metadata": _metadata(delivery_id),
            **_AS_WRITTEN,
            **_NO_PREVIEWS,
        }
        if message.blocks:
            arguments["blocks"] = message.blocks
        if message.attachments:
            arguments["attachments"] = message.attachments
        if thread_ts:
            arguments |= {"thread_ts": thread_ts, "reply_broadcast": True}
        for name in ("username", "icon_emoji", "icon_url"):
            if value := getattr(connection, name):
                arguments[name] = value
        response = await self._client.post(connection, "chat.postMessage", arguments)
        posted = _shaped("chat.postMessage", response.data, Posted)
        return MessageRef(posted.channel, posted.ts)

    async def edit(
        self, connection: Connection, ref: MessageRef, message: Message, delivery_id: str
    ) -> None:
        """Replace a message's content.

        Blocks and attachments are sent even when empty: what chat.update is not told to remove may
        stay. It has no say over previews.
        """
        arguments = {
            "channel": ref.channel_id,
            "ts": ref.ts,
            "text": message.text,
            "blocks": message.blocks,
            "attachments": message.attachments,
            "metadata": _metadata(delivery_id),
            **_AS_WRITTEN,
        }
        await self._client.post(connection, "chat.update", arguments)

    async def find(
        self,
        connection: Connection,
        channel: str,
        delivery_id: str,
        since: float,
        thread_ts: str = "",
    ) -> MessageRef | None:
        """Look for a delivery from `since` on, in the channel's history or the thread's replies.

        `channel` must be an ID. None says that Slack showed all there is and it is not among it;
        a thread that does not exist has no reply either. All else raises.
        """
        arguments = {
            "channel": channel,
            "oldest": f"{since:.6f}",
            "latest": f"{since + _HISTORY_WINDOW_SECONDS:.6f}",
            "inclusive": "true",
            "include_all_metadata": "true",
            "limit": str(_PAGE_ITEMS),
        }
        method = "conversations.history"
        if thread_ts:
            method = "conversations.replies"
            arguments["ts"] = thread_ts
        for _ in range(_MAX_HISTORY_PAGES):
            try:
                response = await self._client.get(connection, method, arguments)
            except SlackMessageGone:
                return None
            page = _shaped(method, response.data, HistoryPage)
            for message in page.messages:
                if message.delivers(delivery_id):
                    return MessageRef(channel, message.ts)
            if not (page.has_more or page.next_cursor):
                return None
            if not page.next_cursor:
                break
            arguments["cursor"] = page.next_cursor
        raise SlackTransient("incomplete_history", f"{method} did not show all messages")

    async def channels(self, connection: Connection, private: bool) -> ChannelListing:
        """List all public, or all private, channels; archived ones too.

        Calls beyond Slack's burst are spaced; a 429 is waited for, five minutes in all.
        """
        arguments = {
            "types": "private_channel" if private else "public_channel",
            "exclude_archived": "false",
            "limit": str(_PAGE_ITEMS),
        }
        found: list[ChannelInfo] = []
        patience_seconds = _MAX_LIST_WAIT_SECONDS
        for number in range(_MAX_LIST_PAGES):
            if number >= _QUICK_LIST_PAGES:
                await self._sleep(_LIST_INTERVAL_SECONDS)
            page, patience_seconds = await self._list_page(connection, arguments, patience_seconds)
            found += (each.info() for each in page.channels)
            if not page.next_cursor:
                return _listing(found)
            arguments["cursor"] = page.next_cursor
        raise SlackTransient(
            "too_many_channels", f"the workspace has more than {len(found)} channels"
        )

    async def channel(self, connection: Connection, channel_id: str) -> ChannelInfo:
        """Return one conversation by its ID: conversations.info."""
        method = "conversations.info"
        response = await self._client.get(connection, method, {"channel": channel_id})
        return _shaped(method, response.data, ConversationInfo).channel.info()

    async def close(self) -> None:
        """Close all connections; calls from now on raise SlackTransient."""
        await self._client.close()

    async def _list_page(
        self, connection: Connection, arguments: dict[str, str], patience_seconds: float
    ) -> tuple[ConversationPage, float]:
        """Return a page of channels, and how much waiting is left for the next ones."""
        method = "conversations.list"
        while True:
            try:
                response = await self._client.get(connection, method, arguments)
                return _shaped(method, response.data, ConversationPage), patience_seconds
            except SlackTransient as error:
                wait_seconds = error.retry_after_seconds
                if wait_seconds is None or wait_seconds > patience_seconds:
                    raise
            patience_seconds -= max(wait_seconds, 1.0)
            await self._sleep(wait_seconds)


def _metadata(delivery_id: str) -> Mapping[str, Any]:
    return {"event_type": DELIVERY_EVENT, "event_payload": {"id": delivery_id}}


def _shaped(method: str, content: object, shape: type[_Shape]) -> _Shape:
    """Return an answer in its shape; raises where Slack's answer has another."""
    try:
        return msgspec.convert(content, shape)
    except msgspec.ValidationError as raised:
        text = f"Slack's answer to {method} is malformed: {raised}"
    raise unclear(method, "malformed_answer", text)


def _listing(found: list[ChannelInfo]) -> ChannelListing:
    """Return the channels by ID and by name; of two with one name the one in use."""
    by_name: dict[str, ChannelInfo] = {}
    for channel in found:
        known = by_name.get(channel.name)
        if channel.name and (known is None or known.is_archived):
            by_name[channel.name] = channel
    return ChannelListing({channel.id: channel for channel in found}, by_name)

"""The parts of Slack's answers that are used, with the shapes they must have.

In: an answer's JSON object. Out: a checked struct; ValueError (msgspec.ValidationError) where the
answer is not of that shape. Called by `adapters.slack`. Names from outside are cut where Slack
itself would not let them grow.
"""

from typing import Annotated, Any, Final

import msgspec

from tocsin.model.workspace import ChannelInfo, Identity, TokenType

DELIVERY_EVENT: Final = "tocsin_delivery"
"""Event type of the metadata that carries a delivery's ID."""

_MAX_NAME_CHARACTERS: Final = 255

_SlackId = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{2,40}\Z")]
_Timestamp = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}\.[0-9]{1,9}\Z")]


class Posted(msgspec.Struct, frozen=True):
    """Answer of chat.postMessage."""

    channel: _SlackId
    ts: _Timestamp


class AuthTest(msgspec.Struct, frozen=True):
    """Answer of auth.test; user tokens have no `bot_id`."""

    team_id: _SlackId
    user_id: _SlackId
    team: str = ""
    user: str = ""
    url: str = ""
    bot_id: str = ""

    def identity(self, scopes_header: str) -> Identity:
        """Return who we are, with the scopes of the header `X-OAuth-Scopes`."""
        return Identity(
            team_id=self.team_id,
            team=self.team[:_MAX_NAME_CHARACTERS],
            user_id=self.user_id,
            user=self.user[:_MAX_NAME_CHARACTERS],
            bot_id=self.bot_id[:_MAX_NAME_CHARACTERS],
            token_type=TokenType.BOT if self.bot_id else TokenType.USER,
            scopes=frozenset(filter(None, map(str.strip, scopes_header.split(",")))),
            url=self.url[:_MAX_NAME_CHARACTERS],
        )


class Conversation(msgspec.Struct, frozen=True):
    """A conversation object; direct messages have no name, and both sides are in them."""

    id: _SlackId
    name: str | None = None
    is_private: bool = False
    is_member: bool = False
    is_archived: bool = False
    is_im: bool = False

    def info(self) -> ChannelInfo:
        """Return what is kept of it."""
        return ChannelInfo(
            id=self.id,
            name=(self.name or "")[:_MAX_NAME_CHARACTERS],
            is_private=self.is_private or self.is_im,
            is_member=self.is_member or self.is_im,
            is_archived=self.is_archived,
        )


class ConversationInfo(msgspec.Struct, frozen=True):
    """Answer of conversations.info."""

    channel: Conversation


class PageMetadata(msgspec.Struct, frozen=True):
    """Where the next page begins; empty on the last one."""

    next_cursor: str | None = None


class Page(msgspec.Struct, frozen=True):
    """What all listings have in common."""

    response_metadata: PageMetadata | None = None

    @property
    def next_cursor(self) -> str:
        """Where the next page begins; empty on the last one."""
        return (self.response_metadata and self.response_metadata.next_cursor) or ""


class ConversationPage(Page, frozen=True, kw_only=True):
    """Answer of conversations.list."""

    channels: list[Conversation]


class HistoryMessage(msgspec.Struct, frozen=True):
    """A message of a channel's history; `metadata` is whatever its app attached."""

    ts: _Timestamp
    metadata: dict[str, Any] | None = None

    def delivers(self, delivery_id: str) -> bool:
        """Whether it is the message of that delivery."""
        metadata = self.metadata or {}
        payload = metadata.get("event_payload")
        return (
            metadata.get("event_type") == DELIVERY_EVENT
            and isinstance(payload, dict)
            and payload.get("id") == delivery_id
        )


class HistoryPage(Page, frozen=True, kw_only=True):
    """Answer of conversations.history and conversations.replies."""

    messages: list[HistoryMessage]
    has_more: bool = False

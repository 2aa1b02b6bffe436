"""What is known of a Slack workspace: how to reach it, who we are there, its channels."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.redact import Secret


class TokenType(StrEnum):
    """The kinds of Slack token that a SlackConfig takes."""

    BOT = "Bot"
    USER = "User"


@dataclass(frozen=True, slots=True)
class Connection:
    """How to call one workspace's Web API.

    `api_url` ends in a slash; `proxy_url` is empty for none; `timeout_seconds` bounds one whole
    call; `ca` holds the system roots and the SlackConfig's own, None for the system roots alone.
    `username`, `icon_emoji` and `icon_url` are the identity to post under, empty for the app's.
    """

    config: str
    token: Secret
    api_url: str = "https://slack.com/api/"
    proxy_url: str = ""
    timeout_seconds: float = 10.0
    ca: ssl.SSLContext | None = None
    username: str = ""
    icon_emoji: str = ""
    icon_url: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What `auth.test` answered."""

    team_id: str
    team: str
    user_id: str
    user: str
    bot_id: str
    token_type: TokenType
    scopes: frozenset[str]
    url: str = ""


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """One conversation as `conversations.list` or `conversations.info` shows it."""

    id: str
    name: str
    is_private: bool
    is_member: bool
    is_archived: bool


@dataclass(frozen=True, slots=True)
class ChannelListing:
    """All conversations of one kind that a token can see, by ID and by name."""

    by_id: Mapping[str, ChannelInfo] = field(default_factory=dict)
    by_name: Mapping[str, ChannelInfo] = field(default_factory=dict)

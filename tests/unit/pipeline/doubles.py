"""Doubles of the ports Slack and Kube that count their calls and fail when told to."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.errors import KubeNotFound, SlackDestinationRejected, SlackError
from tocsin.model.message import MessageRef
from tocsin.model.workspace import (
    ChannelInfo,
    ChannelListing,
    Connection,
    Identity,
    TokenType,
)

ALL_SCOPES = frozenset(
    {
        "chat:write",
        "chat:write.public",
        "chat:write.customize",
        "channels:read",
        "groups:read",
        "channels:history",
        "groups:history",
        "im:write",
        "users:read.email",
    }
)


def identity(*scopes: str, user: str = "tocsin", user_id: str = "U00TOCSIN") -> Identity:
    """The bot of workspace Acme; without scopes it has them all."""
    return Identity(
        team_id="T0ACME",
        team="Acme",
        user_id=user_id,
        user=user,
        bot_id="B0TOCSIN",
        token_type=TokenType.BOT,
        scopes=frozenset(scopes) or ALL_SCOPES,
    )


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class FakeSlack:
    """Answers what it is told; `error` makes every call fail."""

    def __init__(self) -> None:
        self.identity = identity()
        self.error: SlackError | None = None
        self.conversations: dict[str, ChannelInfo] = {}
        self.verified: list[Connection] = []
        self.used: list[Connection] = []
        self.listed: list[bool] = []
        self.asked: list[str] = []
        self.listing_seconds = 0.0

    def has(
        self,
        channel_id: str,
        name: str,
        *,
        member: bool = True,
        private: bool = False,
        archived: bool = False,
    ) -> None:
        """Add a channel, or change it."""
        self.conversations[channel_id] = ChannelInfo(channel_id, name, private, member, archived)

    async def verify(self, connection: Connection) -> Identity:
        self.verified.append(connection)
        self._fail()
        return self.identity

    async def channels(self, connection: Connection, private: bool) -> ChannelListing:
        self.used.append(connection)
        self.listed.append(private)
        await asyncio.sleep(self.listing_seconds)
        self._fail()
        found = [each for each in self.conversations.values() if each.is_private == private]
        return ChannelListing(
            {each.id: each for each in found}, {each.name: each for each in found}
        )

    async def channel(self, connection: Connection, channel_id: str) -> ChannelInfo:
        self.used.append(connection)
        self.asked.append(channel_id)
        await asyncio.sleep(0)
        self._fail()
        if channel_id not in self.conversations:
            raise SlackDestinationRejected("channel_not_found")
        return self.conversations[channel_id]

    async def post(self, *_arguments: Any, **_named: Any) -> MessageRef:
        raise AssertionError("nothing is posted here")

    async def edit(self, *_arguments: Any, **_named: Any) -> None:
        raise AssertionError("nothing is edited here")

    async def find(self, *_arguments: Any, **_named: Any) -> MessageRef | None:
        raise AssertionError("nothing is looked for here")

    async def close(self) -> None: ...

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error


Values = dict[tuple[str, str], dict[str, bytes]]


class FakeKube:
    """Secrets and ConfigMaps by (namespace, name); `error` makes every call fail."""

    def __init__(self, token: str = "") -> None:
        self.secrets: Values = {}
        self.config_maps: Values = {}
        self.error: Exception | None = None
        if token:
            self.keep(token)

    def keep(self, token: str) -> None:
        """Put a token into the Secret that `acme` refers to."""
        self.secrets["monitoring", "slack-token"] = {"token": token.encode()}

    async def secret_value(self, namespace: str, name: str, key: str) -> bytes | None:
        return self._value(self.secrets, namespace, name, key)

    async def config_map_value(self, namespace: str, name: str, key: str) -> bytes | None:
        return self._value(self.config_maps, namespace, name, key)

    def _value(self, values: Values, namespace: str, name: str, key: str) -> bytes | None:
        if self.error is not None:
            raise self.error
        if (namespace, name) not in values:
            raise KubeNotFound(f"{namespace}/{name}")
        return values[namespace, name].get(key)

    async def list_configs(self) -> Sequence[Mapping[str, Any]]:
        return ()

    async def list_receivers(self) -> Sequence[Mapping[str, Any]]:
        return ()

    async def namespace_labels(self) -> Mapping[str, Mapping[str, str]]:
        return {}

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None: ...

    async def publish(
        self, regarding: Mapping[str, Any], reason: str, note: str, warn: bool
    ) -> None: ...

    async def close(self) -> None: ...

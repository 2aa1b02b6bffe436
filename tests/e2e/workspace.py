"""A Slack workspace of one test alone, in the stand-in that all tests share.

Of its own, so that neither Slack's limits nor what the operator remembers of a workspace's channels
pass from one test to another.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Any

from tests.e2e.site import Site, eventually

SCOPES = ("chat:write", "channels:read", "groups:read", "channels:history", "groups:history")
"""All that the operator makes use of, but for posting without an invitation."""

Message = dict[str, Any]


class Workspace:
    """A team with a bot user, `@tocsin`, and the channels that a test opens."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._suffix = secrets.token_hex(4).upper()
        self.team = f"T{self._suffix}"
        self._bot = f"U{self._suffix}BOT"
        self._channels: dict[str, str] = {}
        site.control("teams", {"id": self.team, "name": f"Team {self._suffix}"})
        user = {"id": self._bot, "team": self.team, "name": "tocsin", "is_bot": True}
        site.control("users", user)

    def issue_token(self, scopes: Sequence[str] = SCOPES) -> str:
        """Return a new bot token with these scopes."""
        token = f"xoxb-{secrets.token_hex(6)}-{secrets.token_hex(12)}"
        record = {"token": token, "team": self.team, "user": self._bot, "scopes": scopes}
        self._site.control("tokens", {**record, "bot_id": f"B{self._suffix}"})
        self._site.tokens.add(token)
        return token

    def revoke(self, token: str) -> None:
        """Refuse this token from now on."""
        self._site.control("tokens", {"token": token, "team": self.team, "state": "revoked"})

    def open_channels(self, *names: str, invited: bool = True) -> None:
        """Make the channels that do not exist yet, the app among their members or not."""
        members = [self._bot] if invited else []
        for name in names:
            if name not in self._channels:
                channel_id = self._channels[name] = f"C{self._suffix}{len(self._channels):02}"
                record = {"id": channel_id, "team": self.team, "name": name, "members": members}
                self._site.control("channels", record)

    def channel_id(self, name: str) -> str:
        """Return the ID of a channel."""
        return self._channels[name]

    def invite(self, name: str) -> None:
        """`/invite @tocsin` in a channel."""
        record = {"id": self._channels[name], "team": self.team, "members": [self._bot]}
        self._site.control("channels", record)

    def messages(self, channel: str, about: str = "") -> list[Message]:
        """Return a channel's messages that mention `about`, oldest first, replies left out."""
        shown = self._site.control(f"messages?channel={self._channels[channel]}")["messages"]
        return [message for message in shown if about in message["text"]]

    def await_message(self, channel: str, about: str, state: str = "") -> Message:
        """Return the first message that mentions `about`, and `state` (`Resolved`), once there."""

        def look() -> Message | None:
            found = self.messages(channel, about)
            return next((each for each in found if state in each["text"]), None)

        return eventually(look, f"a message in #{channel} with {about!r} and {state!r}")

    def headlines(self, channel: str) -> list[str]:
        """Return what a channel's messages are about: `Firing: DiskFull`, oldest first."""
        return [
            re.split(r" in | \(", message["text"].partition(" ")[2])[0]
            for message in self.messages(channel)
        ]

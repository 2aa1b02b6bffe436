"""What a stand-in is populated with: teams, users, tokens, channels and webhooks.

Comes in: a JSON file at the start, single records through the control API. Goes out: checked
records, which `state` holds and looks up. Unknown fields are refused, so that a typing error does
not pass.
"""

from pathlib import Path
from typing import Final, Literal

import msgspec

DEFAULT_FILE: Final = Path(__file__).with_name("workspace.json")


class Team(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A workspace. `edit_window_seconds`: how long a message may be edited; None for ever."""

    id: str
    name: str
    domain: str = ""
    edit_window_seconds: float | None = None


class User(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A person, or the bot user of an app."""

    id: str
    team: str
    name: str
    real_name: str = ""
    email: str = ""
    is_bot: bool = False
    deleted: bool = False


class Token(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A credential. `user` is who it acts as: a bot's own user, or the person of a user token.

    `state` other than `active` makes every call fail: `revoked` with token_revoked, `expired` with
    token_expired, `inactive` with account_inactive.
    """

    token: str
    team: str
    user: str
    scopes: list[str] = []
    kind: Literal["bot", "user"] = "bot"
    name: str = "app"
    bot_id: str = ""
    app_id: str = ""
    state: Literal["active", "revoked", "expired", "inactive"] = "active"


class Channel(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A conversation. `user` is set for a direct message only: who the other side is.

    `name` is without `#`. `members` are user IDs; an app is a member through its bot user.
    """

    id: str
    team: str
    name: str = ""
    private: bool = False
    archived: bool = False
    members: set[str] = set()
    user: str = ""

    @property
    def kind(self) -> Literal["channels", "groups", "im"]:
        """The first half of the scopes that govern it."""
        if self.user:
            return "im"
        return "groups" if self.private else "channels"


class Webhook(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An incoming webhook, at `/services/{team}/{id}/{secret}`. `channel` is a channel's ID."""

    id: str
    team: str
    secret: str
    channel: str
    name: str = "incoming-webhook"
    enabled: bool = True


Member = User | Token | Channel | Webhook


class Workspace(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """All that a stand-in knows before the first request."""

    teams: list[Team] = []
    users: list[User] = []
    tokens: list[Token] = []
    channels: list[Channel] = []
    webhooks: list[Webhook] = []

    def check(self) -> None:
        """Raise ValueError, naming the record, if one refers to an absent team or channel."""
        teams = {team.id for team in self.teams}
        records: tuple[Member, ...] = (*self.users, *self.tokens, *self.channels, *self.webhooks)
        for record in records:
            if record.team not in teams:
                kind = type(record).__name__.lower()
                raise ValueError(f"a {kind} belongs to team {record.team!r}, which is not listed")
        channels = {channel.id for channel in self.channels}
        for webhook in self.webhooks:
            if webhook.channel not in channels:
                raise ValueError(
                    f"webhook {webhook.id!r} posts to {webhook.channel!r}, no listed channel's ID"
                )


def load_workspace(path: Path = DEFAULT_FILE) -> Workspace:
    """The workspace in a JSON file; without a path, a small one to try things out with.

    Errors: ValueError that names the file and what is wrong in it; OSError when it cannot be read.
    """
    try:
        workspace = msgspec.json.decode(path.read_bytes(), type=Workspace)
        workspace.check()
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    return workspace

"""One call of a Web API method: who calls, with what, and the questions that every method asks.

Built by `web_api`; passed to the functions in `methods`; read again when the call is journaled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lab.slack.errors import RateLimited, Refusal
from lab.slack.limits import Limits
from lab.slack.state import State
from lab.slack.workspace import Channel, Token

_TRUE: Final = frozenset({"true", "1"})
_NOBODY: Final = Token(token="", team="", user="")


@dataclass(slots=True)
class Call:
    """A call under way.

    `presented` is the token as it came, `token` its record, nobody's for an unknown one.
    `unreadable` is what was wrong with the request's form. `channel` is None until found.
    """

    method: str
    state: State
    limits: Limits
    token: Token = field(default=_NOBODY)
    presented: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    unreadable: Refusal | None = None
    channel: Channel | None = None
    warnings: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The channel as the request named it; empty where it named none."""
        channel = self.values.get("channel", "")
        return channel if isinstance(channel, str) else ""

    def required(self, name: str) -> str:
        """A string argument that must be there. Errors: invalid_arguments, as Slack words it."""
        value = self.values.get(name)
        if value is None or value == "":
            raise Refusal.explained(
                "invalid_arguments", [f"missing required field: {name} [json-pointer:/{name}]"]
            )
        if not isinstance(value, str):
            raise Refusal.explained(
                "invalid_arguments", [f"must be a string [json-pointer:/{name}]"]
            )
        return value

    def flag(self, name: str) -> bool:
        """A boolean argument, as JSON or as a form has it; absent is False."""
        value = self.values.get(name, False)
        return value if isinstance(value, bool) else str(value).lower() in _TRUE

    def has_scope(self, scope: str) -> bool:
        """Whether the token was granted a scope."""
        return scope in self.token.scopes

    def require_scope(self, *scopes: str) -> None:
        """Refuse with missing_scope unless the token has one of `scopes`."""
        granted = self.token.scopes
        for scope in scopes:
            if scope in granted:
                return
        raise Refusal("missing_scope", needed=",".join(scopes), provided=",".join(granted))

    def is_member(self, channel: Channel) -> bool:
        """Whether the caller is in the channel."""
        return self.token.user in channel.members

    def find_visible(self, asked: str, *, by_name: bool = False) -> Channel:
        """The channel asked for, and note it. Private ones exist for their members only.

        Errors: channel_not_found. Names are taken only where `by_name`, as only posting takes them.
        """
        channel = self.state.find_channel(self.token.team, asked)
        if channel is None or not (by_name or channel.id == asked):
            raise Refusal("channel_not_found")
        if channel.private and not self.is_member(channel):
            raise Refusal("channel_not_found")
        self.channel = channel
        return channel

    def spend(self, key: str = "") -> None:
        """Spend one request of the method's budget for (team, key), or refuse with HTTP 429."""
        retry_after_seconds = self.limits.take(self.method, self.token.team, key)
        if retry_after_seconds:
            raise RateLimited(retry_after_seconds)


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method. `scopes`: any one of them lets a token in; empty: every token may.

    `takes_json`: whether Slack reads a JSON body for it. `spends_itself`: whether `run` spends from
    the budget once it knows the channel; otherwise the budget is the team's, spent before it runs.
    """

    run: Callable[[Call], dict[str, Any]]
    scopes: tuple[str, ...] = ()
    takes_json: bool = False
    spends_itself: bool = False

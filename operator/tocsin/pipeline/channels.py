"""Looks channels up: whether the app can post to them, and what their IDs are.

In: channels as receivers name them. Out: looks for statuses, IDs for delivery. One listing a
workspace and app, public and private channels apart, serves all receivers: 5,000 of them do not
mean 5,000 calls. Nothing here is in the way of sending: `resolve` never waits.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

from tocsin.model.channels import bare_name, is_conversation_id, is_member_id
from tocsin.model.facts import ChannelLook
from tocsin.model.workspace import ChannelInfo, Connection, Identity
from tocsin.pipeline.channel_listings import LISTED_SECONDS, MISSED_SECONDS, Listing, View
from tocsin.pipeline.cures import join, look_for, unarchive
from tocsin.pipeline.ports import Slack
from tocsin.pipeline.workspaces import WorkspaceState

_PUBLIC_SCOPE: Final = "channels:read"
_PRIVATE_SCOPE: Final = "groups:read"
_ANYWHERE_SCOPE: Final = "chat:write.public"
_SECOND_LOOK_SECONDS: Final = 30.0
"""Knowledge that is younger is not checked again before it is told."""

_Answer = tuple[Literal["True", "False", "Unknown"], str, str]
"""Reachability, reason and message of a look."""


class ChannelDirectory:
    """Channels of all workspaces; `clock` is monotonic, in seconds."""

    def __init__(self, slack: Slack, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack = slack
        self._clock = clock
        self._views: dict[str, dict[str, View]] = {}
        self._learned: dict[tuple[str, str], str] = {}

    def resolve(self, team_id: str, channel: str) -> str:
        """Return a channel's ID where it is known, else its name without `#`. Never waits."""
        reference = bare_name(channel)
        if is_conversation_id(reference):
            return reference
        for view in self._views.get(team_id, {}).values():
            if found := view.named(reference):
                return found
        return self._learned.get((team_id, reference), reference)

    def learned(self, team_id: str, channel: str, channel_id: str) -> None:
        """Slack took a message for `channel`, and answered with its ID."""
        reference = bare_name(channel)
        if reference != channel_id:
            self._learned[team_id, reference] = channel_id

    async def check(self, state: WorkspaceState, channel: str) -> ChannelLook:
        """Return whether messages can be posted to `channel`, as far as Slack lets us see.

        Takes 5 seconds at most, and a call: while a listing is under way what is known is told.
        """
        reference = bare_name(channel)
        if state.identity is None or state.connection is None:
            answer: _Answer = ("Unknown", "ConfigNotReady", state.message)
            return _look(channel, "", answer)
        identity = state.identity
        if is_member_id(reference) or (is_conversation_id(reference) and reference[0] == "D"):
            known = self.resolve(identity.team_id, reference)
            return _look(channel, known if is_conversation_id(known) else "", _DIRECT)
        view = self._view(identity)
        listings = _visible(view, identity)
        if not listings:
            known = self.resolve(identity.team_id, reference)
            text = f"the token has neither {_PUBLIC_SCOPE} nor {_PRIVATE_SCOPE} to look it up with"
            answer = ("Unknown", "NoScope", text)
            return _look(channel, known if is_conversation_id(known) else "", answer)
        info = await self._find(view, listings, state.connection, reference, identity)
        if info is not None:
            return _look(channel, info.id, _judge(info, identity))
        return _look(channel, "", _missing(reference, view, listings, identity))

    async def _find(
        self,
        view: View,
        listings: Sequence[Listing],
        connection: Connection,
        reference: str,
        identity: Identity,
    ) -> ChannelInfo | None:
        """Return what Slack says of a channel; what is bad news is looked at twice."""
        await view.renew(listings, connection, LISTED_SECONDS)
        info = view.find(reference)
        if info is not None and _judge(info, identity)[0] == "True":
            return info
        if view.age_seconds(reference, listings) < _SECOND_LOOK_SECONDS:
            return info
        channel_id = info.id if info else reference if is_conversation_id(reference) else ""
        if not (channel_id and await view.ask(channel_id, connection)):
            await view.renew(listings, connection, MISSED_SECONDS)
        return view.find(reference)

    def _view(self, identity: Identity) -> View:
        """The view of an app: what another app of the same workspace is in, it may not be in."""
        of_team = self._views.setdefault(identity.team_id, {})
        if identity.user_id not in of_team:
            of_team[identity.user_id] = View(self._slack, self._clock)
        return of_team[identity.user_id]


_DIRECT: Final[_Answer] = (
    "Unknown",
    "DirectMessage",
    "a direct message is not looked up; the first one shows whether Slack takes it",
)


def _visible(view: View, identity: Identity) -> Sequence[Listing]:
    """The listings that the token's scopes allow."""
    allowed = ((_PUBLIC_SCOPE, view.public), (_PRIVATE_SCOPE, view.private))
    return [listing for scope, listing in allowed if scope in identity.scopes]


def _judge(info: ChannelInfo, identity: Identity) -> _Answer:
    shown = f"#{info.name}" if info.name else info.id
    if info.is_archived:
        return "False", "ChannelArchived", unarchive(shown)
    if info.is_member:
        return "True", "Member", ""
    if not info.is_private and _ANYWHERE_SCOPE in identity.scopes:
        return "True", "Public", ""
    return "False", "NotInChannel", join(shown, identity)


def _missing(
    reference: str, view: View, listings: Sequence[Listing], identity: Identity
) -> _Answer:
    """What to say of a channel that no listing holds."""
    if any(listing.content is None and listing.task is not None for listing in listings):
        return "Unknown", "LookingUp", "the workspace's channels are being listed"
    for listing in listings:
        if listing.content is None:
            return "Unknown", "LookupFailed", listing.error
    if len(listings) < 2:
        kind, scope = ("public", _PRIVATE_SCOPE)
        if view.public not in listings:
            kind, scope = ("private", _PUBLIC_SCOPE)
        return "Unknown", "NoScope", f"it is not among the {kind} channels; others need {scope}"
    if is_conversation_id(reference):
        shown, guess = f"channel with the ID {reference}", ""
    else:
        shown = f"channel #{reference}"
        guess = view.public.guess(reference) or view.private.guess(reference)
    hint = f" (did you mean #{guess}?)" if guess else ""
    return "False", "ChannelNotFound", look_for(f"{shown}{hint}", identity)


def _look(channel: str, channel_id: str, answer: _Answer) -> ChannelLook:
    reachable, reason, message = answer
    return ChannelLook(channel, channel_id, reachable, reason, message)

"""The channel directory: what it says of a channel, and which ID it knows."""

import pytest

from tests.unit.pipeline.channel_rig import INVITED, ChannelRig, ready
from tocsin.model.facts import ChannelLook
from tocsin.model.workspace import Identity, TokenType
from tocsin.pipeline.workspaces import WorkspaceState


@pytest.mark.parametrize("channel", ["#ops", "ops", "C0OPS000001", "oncall"])
async def test_a_channel_that_the_app_is_in_is_reachable_and_has_its_id(channel: str) -> None:
    look = await ChannelRig(*INVITED).look(channel)
    expected = "C0ONCALL001" if channel == "oncall" else "C0OPS000001"
    assert look == ChannelLook(channel, expected, "True", "Member", "")


async def test_a_public_channel_needs_no_invitation_where_the_scope_says_so() -> None:
    assert (await ChannelRig().look("#general")).reachable == "True"


async def test_a_channel_that_the_app_is_not_in_says_how_to_invite_it() -> None:
    look = await ChannelRig(*INVITED).look("#general")
    assert (look.reachable, look.reason) == ("False", "NotInChannel")
    assert look.message == "the app is not in #general: type /invite @tocsin there"


async def test_a_person_whose_token_it_is_must_join() -> None:
    rig = ChannelRig()
    who = Identity("T0ACME", "Acme", "U0GRACE", "grace", "", TokenType.USER, INVITED)
    look = await rig.directory.check(ready(who), "general")
    assert look.message == "@grace is not in #general, and must join it"


async def test_an_archived_channel_is_not_reachable() -> None:
    look = await ChannelRig().look("old-ops")
    assert (look.reachable, look.reason) == ("False", "ChannelArchived")
    assert "unarchive" in look.message


async def test_a_channel_that_does_not_exist_comes_with_a_guess_and_the_private_case() -> None:
    rig = ChannelRig()
    look = await rig.look("#genral")
    assert (look.reachable, look.reason, look.id) == ("False", "ChannelNotFound", "")
    assert "did you mean #general?" in look.message
    assert "if it is private, type /invite @tocsin there" in look.message
    assert "did you mean" not in (await rig.look("payments")).message


async def test_an_unknown_id_is_not_found_and_not_guessed_at() -> None:
    look = await ChannelRig().look("C0NOWHERE01")
    assert look.reason == "ChannelNotFound"
    assert "channel with the ID C0NOWHERE01" in look.message


async def test_without_the_scopes_for_it_nothing_is_looked_up() -> None:
    rig = ChannelRig("chat:write")
    rig.directory.learned("T0ACME", "#ops", "C0OPS000001")
    look = await rig.look("ops")
    assert (look.reachable, look.reason, look.id) == ("Unknown", "NoScope", "C0OPS000001")
    assert "channels:read" in look.message
    assert (await rig.look("general")).id == ""
    assert rig.slack.listed == []


@pytest.mark.parametrize(
    ("scope", "missing", "lacking"),
    [("channels:read", "oncall", "groups:read"), ("groups:read", "ops", "channels:read")],
)
async def test_with_half_of_the_scopes_the_other_half_of_the_channels_is_unknown(
    scope: str, missing: str, lacking: str
) -> None:
    rig = ChannelRig("chat:write", scope)
    look = await rig.look(missing)
    assert (look.reachable, look.reason) == ("Unknown", "NoScope")
    assert lacking in look.message
    assert rig.slack.listed == [scope == "groups:read"]


@pytest.mark.parametrize("channel", ["U0GRACE0001", "W0GRACE0001", "D0GRACE0001"])
async def test_direct_messages_are_not_looked_up(channel: str) -> None:
    rig = ChannelRig()
    look = await rig.look(channel)
    assert (look.reachable, look.reason) == ("Unknown", "DirectMessage")
    assert look.id == (channel if channel[0] == "D" else "")
    assert not rig.slack.listed
    assert not rig.slack.asked


async def test_the_conversation_with_a_person_is_learned_from_the_first_message() -> None:
    rig = ChannelRig()
    rig.directory.learned("T0ACME", "U0GRACE0001", "D0GRACE0001")
    assert (await rig.look("U0GRACE0001")).id == "D0GRACE0001"
    assert rig.directory.resolve("T0ACME", "U0GRACE0001") == "D0GRACE0001"


async def test_a_workspace_that_is_not_ready_shows_its_channels_as_unknown() -> None:
    rig = ChannelRig()
    rig.state = WorkspaceState("monitoring/acme", False, "TokenRejected", "put a valid token")
    look = await rig.look("ops")
    assert look == ChannelLook("ops", "", "Unknown", "ConfigNotReady", "put a valid token")


async def test_resolving_gives_ids_where_they_are_known_and_names_where_not() -> None:
    rig = ChannelRig()
    resolve = rig.directory.resolve
    assert resolve("T0ACME", "C0NOWHERE01") == "C0NOWHERE01"
    assert resolve("T0ACME", "#ops") == "ops"
    rig.directory.learned("T0ACME", "#nightly", "C0NIGHTLY01")
    assert resolve("T0ACME", "nightly") == "C0NIGHTLY01"
    assert resolve("T0OTHER", "nightly") == "nightly"
    await rig.look("ops")
    assert resolve("T0ACME", "#ops") == "C0OPS000001"
    assert resolve("T0ACME", "oncall") == "C0ONCALL001"
    assert resolve("T0ACME", "old-ops") == "old-ops"


async def test_a_listing_goes_before_what_was_learned() -> None:
    rig = ChannelRig()
    rig.directory.learned("T0ACME", "ops", "C0RENAMED01")
    await rig.look("ops")
    assert rig.directory.resolve("T0ACME", "ops") == "C0OPS000001"


async def test_learning_an_id_from_itself_keeps_nothing() -> None:
    rig = ChannelRig()
    rig.directory.learned("T0ACME", "C0OPS000001", "C0OPS000001")
    assert rig.directory.resolve("T0ACME", "C0OPS000001") == "C0OPS000001"

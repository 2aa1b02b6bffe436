"""The channel directory: what it says of a channel, and how rarely it asks Slack."""

import asyncio

import pytest

from tests.unit.pipeline.doubles import ALL_SCOPES, Clock, FakeSlack, identity
from tests.virtual_time import virtual_time
from tocsin.errors import SlackTransient
from tocsin.model.facts import ChannelLook
from tocsin.model.workspace import Connection, Identity, TokenType
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.workspaces import WorkspaceState
from tocsin.redact import Secret

CONNECTION = Connection("monitoring/acme", Secret("xoxb-1-2-abc"))
INVITED = ALL_SCOPES - {"chat:write.public"}


def ready(who: Identity) -> WorkspaceState:
    return WorkspaceState(
        "monitoring/acme", True, "Verified", "", connection=CONNECTION, identity=who
    )


class Rig:
    def __init__(self, *scopes: str) -> None:
        self.slack = FakeSlack()
        self.slack.has("C0OPS000001", "ops")
        self.slack.has("C0GENERAL01", "general", member=False)
        self.slack.has("C0ARCHIVE01", "old-ops", archived=True)
        self.slack.has("C0ONCALL001", "oncall", private=True)
        self.clock = Clock()
        self.directory = ChannelDirectory(self.slack, self.clock)
        self.state = ready(identity(*scopes))

    async def look(self, channel: str) -> ChannelLook:
        return await self.directory.check(self.state, channel)


@pytest.mark.parametrize("channel", ["#ops", "ops", "C0OPS000001", "oncall"])
async def test_a_channel_that_the_app_is_in_is_reachable_and_has_its_id(channel: str) -> None:
    look = await Rig(*INVITED).look(channel)
    expected = "C0ONCALL001" if channel == "oncall" else "C0OPS000001"
    assert look == ChannelLook(channel, expected, "True", "Member", "")


async def test_a_public_channel_needs_no_invitation_where_the_scope_says_so() -> None:
    assert (await Rig().look("#general")).reachable == "True"


async def test_a_channel_that_the_app_is_not_in_says_how_to_invite_it() -> None:
    look = await Rig(*INVITED).look("#general")
    assert (look.reachable, look.reason) == ("False", "NotInChannel")
    assert look.message == "the app is not in #general: type /invite @tocsin there"


async def test_a_person_whose_token_it_is_must_join() -> None:
    rig = Rig()
    who = Identity("T0ACME", "Acme", "U0GRACE", "grace", "", TokenType.USER, INVITED)
    look = await rig.directory.check(ready(who), "general")
    assert look.message == "@grace is not in #general, and must join it"


async def test_an_archived_channel_is_not_reachable() -> None:
    look = await Rig().look("old-ops")
    assert (look.reachable, look.reason) == ("False", "ChannelArchived")
    assert "unarchive" in look.message


async def test_a_channel_that_does_not_exist_comes_with_a_guess_and_the_private_case() -> None:
    rig = Rig()
    look = await rig.look("#genral")
    assert (look.reachable, look.reason, look.id) == ("False", "ChannelNotFound", "")
    assert "did you mean #general?" in look.message
    assert "if it is private, type /invite @tocsin there" in look.message
    assert "did you mean" not in (await rig.look("payments")).message


async def test_an_unknown_id_is_not_found_and_not_guessed_at() -> None:
    look = await Rig().look("C0NOWHERE01")
    assert look.reason == "ChannelNotFound"
    assert "channel with the ID C0NOWHERE01" in look.message


async def test_without_the_scopes_for_it_nothing_is_looked_up() -> None:
    rig = Rig("chat:write")
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
    rig = Rig("chat:write", scope)
    look = await rig.look(missing)
    assert (look.reachable, look.reason) == ("Unknown", "NoScope")
    assert lacking in look.message
    assert rig.slack.listed == [scope == "groups:read"]


@pytest.mark.parametrize("channel", ["U0GRACE0001", "W0GRACE0001", "D0GRACE0001"])
async def test_direct_messages_are_not_looked_up(channel: str) -> None:
    rig = Rig()
    look = await rig.look(channel)
    assert (look.reachable, look.reason) == ("Unknown", "DirectMessage")
    assert look.id == (channel if channel[0] == "D" else "")
    assert not rig.slack.listed
    assert not rig.slack.asked


async def test_the_conversation_with_a_person_is_learned_from_the_first_message() -> None:
    rig = Rig()
    rig.directory.learned("T0ACME", "U0GRACE0001", "D0GRACE0001")
    assert (await rig.look("U0GRACE0001")).id == "D0GRACE0001"
    assert rig.directory.resolve("T0ACME", "U0GRACE0001") == "D0GRACE0001"


async def test_a_workspace_that_is_not_ready_shows_its_channels_as_unknown() -> None:
    rig = Rig()
    rig.state = WorkspaceState("monitoring/acme", False, "TokenRejected", "put a valid token")
    look = await rig.look("ops")
    assert look == ChannelLook("ops", "", "Unknown", "ConfigNotReady", "put a valid token")


@virtual_time
async def test_five_thousand_receivers_mean_two_listings() -> None:
    rig = Rig(*INVITED)
    rig.slack.listing_seconds = 1.0
    channels = ("ops", "oncall", "general", "nowhere", "C0OPS000001")
    for _ in range(1000):
        await asyncio.gather(*map(rig.look, channels))
    assert sorted(rig.slack.listed) == [False, True]
    assert rig.slack.asked == []


@virtual_time
async def test_nobody_waits_long_for_a_long_listing() -> None:
    loop = asyncio.get_running_loop()
    rig = Rig()
    rig.directory = ChannelDirectory(rig.slack, loop.time)
    rig.slack.listing_seconds = 150.0
    looks = await asyncio.gather(*(rig.look("ops") for _ in range(100)))
    assert loop.time() == 5.0
    assert {look.reason for look in looks} == {"LookingUp"}
    assert (await rig.look("ops")).reason == "LookingUp"
    assert loop.time() == 5.0
    await asyncio.sleep(150)
    assert (await rig.look("ops")).reachable == "True"
    assert sorted(rig.slack.listed) == [False, True]


@virtual_time
async def test_a_channel_named_by_its_id_is_asked_about_while_the_listing_takes_long() -> None:
    rig = Rig()
    rig.slack.listing_seconds = 150.0
    assert (await rig.look("C0OPS000001")).reachable == "True"
    assert rig.slack.asked == ["C0OPS000001"]


async def test_a_listing_is_used_for_ten_minutes() -> None:
    rig = Rig()
    await rig.look("ops")
    rig.clock.now += 599
    await rig.look("ops")
    assert len(rig.slack.listed) == 2
    rig.clock.now += 1
    await rig.look("ops")
    assert len(rig.slack.listed) == 4


async def test_a_missing_channel_has_slack_listed_again_once_a_minute() -> None:
    rig = Rig()
    for _ in range(120):
        await rig.look("payments")
        rig.clock.now += 1
    assert len(rig.slack.listed) == 4
    rig.slack.has("C0PAYMENTS1", "payments")
    assert (await rig.look("payments")).reachable == "True"


async def test_an_invitation_is_seen_at_the_next_look_without_a_listing() -> None:
    rig = Rig(*INVITED)
    assert (await rig.look("general")).reachable == "False"
    rig.slack.has("C0GENERAL01", "general", member=True)
    rig.clock.now += 30
    assert (await rig.look("general")).reachable == "True"
    assert rig.slack.asked == ["C0GENERAL01"]
    assert len(rig.slack.listed) == 2


async def test_a_channel_that_slack_does_not_tell_of_is_told_as_it_was() -> None:
    rig = Rig(*INVITED)
    await rig.look("general")
    rig.clock.now += 50
    rig.slack.error = SlackTransient("http_502", "bad gateway")
    assert (await rig.look("general")).reason == "NotInChannel"


async def test_single_channels_are_asked_about_twenty_times_a_minute_at_most() -> None:
    rig = Rig(*INVITED)
    for number in range(100):
        rig.slack.has(f"C0QUIET{number:04d}", f"quiet-{number}", member=False)
    await rig.look("ops")
    rig.clock.now += 50
    for number in range(100):
        assert (await rig.look(f"quiet-{number}")).reachable == "False"
    assert len(rig.slack.asked) == 20
    rig.clock.now += 60
    await rig.look("quiet-0")
    assert len(rig.slack.asked) == 21


async def test_a_channel_that_was_asked_about_just_now_is_not_asked_about_again() -> None:
    rig = Rig(*INVITED)
    await rig.look("general")
    rig.clock.now += 50
    await asyncio.gather(*(rig.look("general") for _ in range(10)))
    assert len(rig.slack.asked) == 1


async def test_a_channel_that_vanished_is_not_found() -> None:
    rig = Rig(*INVITED)
    await rig.look("general")
    del rig.slack.conversations["C0GENERAL01"]
    rig.clock.now += 50
    assert (await rig.look("general")).reason == "ChannelNotFound"


async def test_a_new_listing_replaces_what_was_asked_before() -> None:
    rig = Rig(*INVITED)
    await rig.look("ops")
    rig.slack.has("C0NEWEST001", "newest")
    rig.clock.now += 50
    assert (await rig.look("C0NEWEST001")).reachable == "True"
    del rig.slack.conversations["C0NEWEST001"]
    rig.clock.now += 600
    assert (await rig.look("C0NEWEST001")).reason == "ChannelNotFound"


async def test_a_listing_that_fails_leaves_channels_unknown_and_is_tried_again_in_a_minute() -> (
    None
):
    rig = Rig()
    rig.slack.error = SlackTransient("http_502", "bad gateway")
    look = await rig.look("ops")
    assert (look.reachable, look.reason) == ("Unknown", "LookupFailed")
    assert look.message == "bad gateway"
    assert (await rig.look("C0OPS000001")).reason == "LookupFailed"
    rig.slack.error = None
    rig.clock.now += 59
    assert (await rig.look("ops")).reachable == "Unknown"
    rig.clock.now += 1
    assert (await rig.look("ops")).reachable == "True"


async def test_a_listing_that_fails_later_leaves_what_was_known() -> None:
    rig = Rig()
    await rig.look("ops")
    rig.clock.now += 3600
    rig.slack.error = SlackTransient("http_502", "bad gateway")
    assert (await rig.look("ops")).reachable == "True"


async def test_apps_of_one_workspace_have_listings_of_their_own() -> None:
    rig = Rig(*INVITED)
    await rig.look("general")
    rig.slack.has("C0GENERAL01", "general", member=True)
    other = ready(identity(*INVITED, user="siren", user_id="U0SIREN"))
    assert (await rig.directory.check(other, "general")).reachable == "True"
    assert (await rig.look("general")).reachable == "False"


async def test_resolving_gives_ids_where_they_are_known_and_names_where_not() -> None:
    rig = Rig()
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
    rig = Rig()
    rig.directory.learned("T0ACME", "ops", "C0RENAMED01")
    await rig.look("ops")
    assert rig.directory.resolve("T0ACME", "ops") == "C0OPS000001"


async def test_learning_an_id_from_itself_keeps_nothing() -> None:
    rig = Rig()
    rig.directory.learned("T0ACME", "C0OPS000001", "C0OPS000001")
    assert rig.directory.resolve("T0ACME", "C0OPS000001") == "C0OPS000001"


async def test_guesses_are_bounded_for_each_listing() -> None:
    rig = Rig()
    for number in range(60):
        await rig.look(f"genera{number}")
    assert "did you mean #general?" in (await rig.look("genera0")).message
    assert "did you mean" not in (await rig.look("genral")).message

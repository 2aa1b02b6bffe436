"""Listings: shared, renewed when due, and how rarely Slack is asked."""

import asyncio

from tests.unit.pipeline.channel_rig import INVITED, ChannelRig, ready
from tests.unit.pipeline.doubles import identity
from tests.virtual_time import virtual_time
from tocsin.errors import SlackTransient
from tocsin.pipeline.channels import ChannelDirectory


@virtual_time
async def test_five_thousand_receivers_mean_two_listings() -> None:
    rig = ChannelRig(*INVITED)
    rig.slack.listing_seconds = 1.0
    channels = ("ops", "oncall", "general", "nowhere", "C0OPS000001")
    for _ in range(1000):
        await asyncio.gather(*map(rig.look, channels))
    assert sorted(rig.slack.listed) == [False, True]
    assert rig.slack.asked == []


@virtual_time
async def test_nobody_waits_long_for_a_long_listing() -> None:
    loop = asyncio.get_running_loop()
    rig = ChannelRig()
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
    rig = ChannelRig()
    rig.slack.listing_seconds = 150.0
    assert (await rig.look("C0OPS000001")).reachable == "True"
    assert rig.slack.asked == ["C0OPS000001"]


async def test_a_listing_is_used_for_ten_minutes() -> None:
    rig = ChannelRig()
    await rig.look("ops")
    rig.clock.now += 599
    await rig.look("ops")
    assert len(rig.slack.listed) == 2
    rig.clock.now += 1
    await rig.look("ops")
    assert len(rig.slack.listed) == 4


async def test_a_missing_channel_has_slack_listed_again_once_a_minute() -> None:
    rig = ChannelRig()
    for _ in range(120):
        await rig.look("payments")
        rig.clock.now += 1
    assert len(rig.slack.listed) == 4
    rig.slack.has("C0PAYMENTS1", "payments")
    assert (await rig.look("payments")).reachable == "True"


async def test_an_invitation_is_seen_at_the_next_look_without_a_listing() -> None:
    rig = ChannelRig(*INVITED)
    assert (await rig.look("general")).reachable == "False"
    rig.slack.has("C0GENERAL01", "general", member=True)
    rig.clock.now += 30
    assert (await rig.look("general")).reachable == "True"
    assert rig.slack.asked == ["C0GENERAL01"]
    assert len(rig.slack.listed) == 2


async def test_a_channel_that_slack_does_not_tell_of_is_told_as_it_was() -> None:
    rig = ChannelRig(*INVITED)
    await rig.look("general")
    rig.clock.now += 50
    rig.slack.error = SlackTransient("http_502", "bad gateway")
    assert (await rig.look("general")).reason == "NotInChannel"


async def test_single_channels_are_asked_about_twenty_times_a_minute_at_most() -> None:
    rig = ChannelRig(*INVITED)
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
    rig = ChannelRig(*INVITED)
    await rig.look("general")
    rig.clock.now += 50
    await asyncio.gather(*(rig.look("general") for _ in range(10)))
    assert len(rig.slack.asked) == 1


async def test_a_channel_that_vanished_is_not_found() -> None:
    rig = ChannelRig(*INVITED)
    await rig.look("general")
    del rig.slack.conversations["C0GENERAL01"]
    rig.clock.now += 50
    assert (await rig.look("general")).reason == "ChannelNotFound"


async def test_a_new_listing_replaces_what_was_asked_before() -> None:
    rig = ChannelRig(*INVITED)
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
    rig = ChannelRig()
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
    rig = ChannelRig()
    await rig.look("ops")
    rig.clock.now += 3600
    rig.slack.error = SlackTransient("http_502", "bad gateway")
    assert (await rig.look("ops")).reachable == "True"


async def test_apps_of_one_workspace_have_listings_of_their_own() -> None:
    rig = ChannelRig(*INVITED)
    await rig.look("general")
    rig.slack.has("C0GENERAL01", "general", member=True)
    other = ready(identity(*INVITED, user="siren", user_id="U0SIREN"))
    assert (await rig.directory.check(other, "general")).reachable == "True"
    assert (await rig.look("general")).reachable == "False"


async def test_guesses_are_bounded_for_each_listing() -> None:
    rig = ChannelRig()
    for number in range(60):
        await rig.look(f"genera{number}")
    assert "did you mean #general?" in (await rig.look("genera0")).message
    assert "did you mean" not in (await rig.look("genral")).message

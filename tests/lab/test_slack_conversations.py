"""conversations.info, .list and .open, and users.lookupByEmail."""

import base64

import pytest

from lab.slack.server import StandIn
from lab.slack.workspace import Channel
from tests.lab.slack_talk import error, grant, refusal, unlimited, web


async def test_info_shows_a_channel_by_its_id(slack: StandIn) -> None:
    answer = await web(slack).conversations_info(channel="C00ONCALL", include_num_members=True)
    channel = answer["channel"]
    assert (channel["id"], channel["name"], channel["num_members"]) == ("C00ONCALL", "oncall", 2)
    assert (channel["is_private"], channel["is_group"], channel["is_channel"]) == (
        True,
        True,
        False,
    )
    assert (channel["is_member"], channel["is_archived"]) == (True, False)


async def test_info_tells_members_from_others_and_open_from_archived(slack: StandIn) -> None:
    client = web(slack)
    general = (await client.conversations_info(channel="C0GENERAL"))["channel"]
    assert (general["is_member"], general["is_general"]) == (False, True)
    assert "num_members" not in general
    assert (await client.conversations_info(channel="C0ARCHIVE"))["channel"]["is_archived"]


@pytest.mark.parametrize("channel", ["alerts", "#alerts", "C0NOWHERE", "C0SECURITY"])
async def test_info_knows_no_names_and_no_private_channel_of_others(
    slack: StandIn, channel: str
) -> None:
    assert await error(web(slack).conversations_info(channel=channel)) == "channel_not_found"


async def test_info_needs_the_scope_of_the_channels_kind(slack: StandIn) -> None:
    client = web(slack, grant(slack, "groups:read"))
    assert (await client.conversations_info(channel="C00ONCALL"))["ok"]
    refused = await refusal(client.conversations_info(channel="C00ALERTS"))
    assert (refused["error"], refused["needed"]) == ("missing_scope", "channels:read")


async def test_a_token_without_any_read_scope_is_told_all_of_them(slack: StandIn) -> None:
    refused = await refusal(
        web(slack, grant(slack, "chat:write")).conversations_info(channel="C0NOWHERE")
    )
    assert refused["needed"] == "channels:read,groups:read,mpim:read,im:read"


async def test_list_shows_public_channels_unless_asked_for_others(slack: StandIn) -> None:
    answer = await web(slack).conversations_list()
    names = [channel["name"] for channel in answer["channels"]]
    assert names == ["general", "alerts", "platform", "rollouts", "old-alerts"]
    assert answer["response_metadata"] == {"next_cursor": ""}


async def test_list_shows_private_channels_to_their_members_only(slack: StandIn) -> None:
    answer = await web(slack).conversations_list(types="private_channel")
    assert [channel["name"] for channel in answer["channels"]] == ["oncall"]


async def test_list_needs_a_scope_for_each_type(slack: StandIn) -> None:
    client = web(slack, grant(slack, "channels:read"))
    refused = await refusal(client.conversations_list(types="public_channel,private_channel"))
    assert (refused["error"], refused["needed"]) == ("missing_scope", "groups:read")
    assert await error(client.conversations_list(types="public_channel,club")) == "invalid_types"


async def test_list_shows_direct_messages_that_are_open(slack: StandIn) -> None:
    client = unlimited(slack)
    assert (await client.conversations_list(types="im"))["channels"] == []
    await client.conversations_open(users="U000GRACE")
    [direct] = (await client.conversations_list(types="im"))["channels"]
    assert (direct["is_im"], direct["user"]) == (True, "U000GRACE")


async def test_list_goes_through_all_channels_page_by_page(slack: StandIn) -> None:
    for number in range(1200):
        slack.state.put(Channel(id=f"C{number:04}", team="T0ACME", name=f"team-{number}"))
    client = unlimited(slack)
    seen, sizes, cursor = [], [], ""
    while True:
        page = await client.conversations_list(limit=500, cursor=cursor)
        seen += [channel["id"] for channel in page["channels"]]
        sizes.append(len(page["channels"]))
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert sizes == [500, 500, 205]
    assert len(set(seen)) == 1205


async def test_a_page_is_cut_before_archived_channels_are_left_out(slack: StandIn) -> None:
    for number in range(10):
        slack.state.put(
            Channel(id=f"C{number}", team="T0ACME", name=f"old-{number}", archived=True)
        )
    client = unlimited(slack)
    page = await client.conversations_list(limit=8, exclude_archived=True)
    assert [channel["name"] for channel in page["channels"]] == [
        "general",
        "alerts",
        "platform",
        "rollouts",
    ]
    assert page["response_metadata"]["next_cursor"]


@pytest.mark.parametrize("limit", ["0", "1000", "many", "-1", "9" * 20])
async def test_a_limit_that_is_none_is_refused(slack: StandIn, limit: str) -> None:
    call = web(slack).api_call("conversations.list", params={"limit": limit})
    assert await error(call) == "invalid_limit"


@pytest.mark.parametrize(
    "cursor", ["?", "dGVhbQ==", base64.b64encode(b"next_ts:5").decode(), "/w==", "c3RhcnQ6LTU="]
)
async def test_a_cursor_from_elsewhere_is_refused(slack: StandIn, cursor: str) -> None:
    assert await error(web(slack).conversations_list(cursor=cursor)) == "invalid_cursor"


async def test_open_gives_the_same_direct_message_again(slack: StandIn) -> None:
    client = unlimited(slack)
    first = await client.conversations_open(users="U000GRACE")
    assert "already_open" not in first.data
    again = await client.conversations_open(users="U000GRACE", return_im=True)
    assert again["already_open"]
    assert again["channel"]["id"] == first["channel"]["id"]
    assert again["channel"]["user"] == "U000GRACE"
    by_channel = await client.conversations_open(channel=first["channel"]["id"])
    assert by_channel["channel"] == first["channel"]


async def test_open_refuses_what_is_no_person(slack: StandIn) -> None:
    client = unlimited(slack)
    slack.state.users["U0KATHERINE"].deleted = True
    assert await error(client.conversations_open(users="U0NOBODY")) == "user_not_found"
    assert await error(client.conversations_open(users="U0KATHERINE")) == "user_not_found"
    group = client.conversations_open(users="U000GRACE,U00TOCSIN")
    assert await error(group) == "method_not_supported_for_channel_type"
    public = client.conversations_open(channel="C00ALERTS")
    assert await error(public) == "method_not_supported_for_channel_type"
    nobody = client.api_call("conversations.open", json={})
    assert await error(nobody) == "users_list_not_supplied"


async def test_open_needs_im_write(slack: StandIn) -> None:
    refused = await refusal(
        web(slack, grant(slack, "chat:write")).conversations_open(users="U000GRACE")
    )
    assert refused["needed"] == "im:write"


async def test_a_person_is_found_by_their_address_in_any_case(slack: StandIn) -> None:
    answer = await web(slack).users_lookupByEmail(email="Grace@Acme.example")
    assert answer["user"]["id"] == "U000GRACE"
    assert answer["user"]["profile"]["email"] == "grace@acme.example"


async def test_an_address_of_nobody_is_refused(slack: StandIn) -> None:
    client = web(slack)
    assert await error(client.users_lookupByEmail(email="nobody@acme.example")) == "users_not_found"
    slack.state.put(slack.state.users["U000GRACE"])
    assert (await client.users_lookupByEmail(email="grace@acme.example"))["user"]["name"] == "grace"


async def test_a_renamed_channel_is_found_by_its_new_name_only(slack: StandIn) -> None:
    client = unlimited(slack)
    channel = slack.state.channels["C00ALERTS"]
    slack.state.put(
        Channel(id=channel.id, team=channel.team, name="alarms", members=channel.members)
    )
    assert (await client.chat_postMessage(channel="alarms", text="x"))["channel"] == "C00ALERTS"
    assert await error(client.chat_postMessage(channel="alerts", text="x")) == "channel_not_found"

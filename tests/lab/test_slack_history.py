"""conversations.history and .replies: windows of time, pages, metadata, who may read."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.server import StandIn
from tests.lab.slack_talk import error, grant, refusal, unlimited, web

METADATA = {"event_type": "delivery", "event_payload": {"id": "d1"}}


async def post(client: AsyncWebClient, count: int, **fields: Any) -> list[str]:
    """Post `count` messages to #alerts; returns their ts, oldest first."""
    answers = [
        await client.chat_postMessage(channel="alerts", text=f"m{number}", **fields)
        for number in range(count)
    ]
    return [answer["ts"] for answer in answers]


async def texts(client: AsyncWebClient, **window: Any) -> list[str]:
    answer = await client.conversations_history(channel="C00ALERTS", **window)
    return [message["text"] for message in answer["messages"]]


async def test_history_is_newest_first(slack: StandIn) -> None:
    client = unlimited(slack)
    await post(client, 3)
    assert await texts(client) == ["m2", "m1", "m0"]


async def test_the_ends_of_a_window_are_left_out_unless_inclusive(slack: StandIn) -> None:
    client = unlimited(slack)
    stamps = await post(client, 5)
    window = {"oldest": stamps[1], "latest": stamps[3]}
    assert await texts(client, **window) == ["m2"]
    assert await texts(client, **window, inclusive=True) == ["m3", "m2", "m1"]


async def test_a_bound_may_be_whole_seconds(slack: StandIn) -> None:
    client = unlimited(slack)
    [ts] = await post(client, 1)
    second = int(ts.split(".", maxsplit=1)[0])
    assert await texts(client, oldest=str(second - 1)) == ["m0"]
    assert await texts(client, latest=second - 1) == []
    assert await texts(client, oldest=str(second + 2)) == []


async def test_pages_go_back_from_the_latest(slack: StandIn) -> None:
    client = unlimited(slack)
    await post(client, 5)
    first = await client.conversations_history(channel="C00ALERTS", limit=2)
    assert [m["text"] for m in first["messages"]] == ["m4", "m3"]
    assert first["has_more"]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(channel="C00ALERTS", limit=2, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["m2", "m1"]
    cursor = second["response_metadata"]["next_cursor"]
    last = await client.conversations_history(channel="C00ALERTS", limit=2, cursor=cursor)
    assert [m["text"] for m in last["messages"]] == ["m0"]
    assert not last["has_more"]
    assert "response_metadata" not in last.data


async def test_with_oldest_alone_pages_go_forward_from_it(slack: StandIn) -> None:
    client = unlimited(slack)
    stamps = await post(client, 5)
    window: dict[str, Any] = {"channel": "C00ALERTS", "oldest": stamps[0], "limit": 2}
    first = await client.conversations_history(**window)
    assert [m["text"] for m in first["messages"]] == ["m2", "m1"]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(**window, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["m4", "m3"]
    assert not second["has_more"]


async def test_metadata_is_shown_to_those_who_ask(slack: StandIn) -> None:
    client = unlimited(slack)
    await post(client, 1, metadata=METADATA)
    plain = await client.conversations_history(channel="C00ALERTS")
    assert "metadata" not in plain["messages"][0]
    full = await client.conversations_history(channel="C00ALERTS", include_all_metadata=True)
    assert full["messages"][0]["metadata"] == METADATA


async def test_a_parent_tells_of_its_replies(slack: StandIn) -> None:
    client = unlimited(slack)
    [parent] = await post(client, 1)
    replies = await post(client, 2, thread_ts=parent)
    [message] = (await client.conversations_history(channel="C00ALERTS"))["messages"]
    assert message["thread_ts"] == parent
    assert (message["reply_count"], message["latest_reply"]) == (2, replies[-1])
    assert message["reply_users"] == ["U00TOCSIN"]


async def test_a_broadcast_reply_is_in_the_channel_with_its_parent(slack: StandIn) -> None:
    client = unlimited(slack)
    [parent] = await post(client, 1)
    await post(client, 1, thread_ts=parent, reply_broadcast=True)
    reply = (await client.conversations_history(channel="C00ALERTS"))["messages"][0]
    assert (reply["subtype"], reply["thread_ts"]) == ("thread_broadcast", parent)
    assert reply["root"]["ts"] == parent
    assert reply["parent_user_id"] == "U00TOCSIN"


async def test_replies_are_the_parent_and_then_the_thread(slack: StandIn) -> None:
    client = unlimited(slack)
    [parent] = await post(client, 1)
    replies = await post(client, 3, thread_ts=parent, metadata=METADATA)
    answer = await client.conversations_replies(
        channel="C00ALERTS", ts=parent, include_all_metadata=True
    )
    assert [m["ts"] for m in answer["messages"]] == [parent, *replies]
    assert [m.get("metadata") for m in answer["messages"]] == [None, *[METADATA] * 3]
    window = await client.conversations_replies(
        channel="C00ALERTS", ts=parent, oldest=replies[0], latest=replies[2], inclusive=False
    )
    assert [m["ts"] for m in window["messages"]] == [parent, replies[1]]
    inclusive = await client.conversations_replies(
        channel="C00ALERTS", ts=parent, oldest=replies[0], latest=replies[1], inclusive=True
    )
    assert [m["ts"] for m in inclusive["messages"]] == [parent, *replies[:2]]


async def test_replies_come_page_by_page(slack: StandIn) -> None:
    client = unlimited(slack)
    [parent] = await post(client, 1)
    replies = await post(client, 3, thread_ts=parent)
    thread: dict[str, Any] = {"channel": "C00ALERTS", "ts": parent, "limit": 2}
    first = await client.conversations_replies(**thread)
    assert [m["ts"] for m in first["messages"]] == [parent, replies[0]]
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_replies(**thread, cursor=cursor)
    assert [m["ts"] for m in second["messages"]] == replies[1:]
    assert not second["has_more"]


async def test_a_message_without_replies_is_a_thread_of_one(slack: StandIn) -> None:
    client = unlimited(slack)
    [parent] = await post(client, 1)
    [reply] = await post(client, 1, thread_ts=parent)
    alone = await client.conversations_replies(channel="C00ALERTS", ts=reply)
    assert [m["ts"] for m in alone["messages"]] == [reply]


async def test_a_thread_whose_parent_was_deleted_still_has_its_replies(slack: StandIn) -> None:
    client = unlimited(slack)
    [parent] = await post(client, 1)
    [reply] = await post(client, 1, thread_ts=parent)
    assert slack.state.delete("C00ALERTS", parent)
    answer = await client.conversations_replies(channel="C00ALERTS", ts=parent)
    assert [m["ts"] for m in answer["messages"]] == [reply]


async def test_a_thread_that_is_not_there_is_refused(slack: StandIn) -> None:
    call = web(slack).conversations_replies(channel="C00ALERTS", ts="1700000000.000100")
    assert await error(call) == "thread_not_found"


@pytest.mark.parametrize("method", ["history", "replies"])
async def test_reading_needs_membership_and_the_scope_of_the_kind(
    slack: StandIn, method: str
) -> None:
    async def read(token: str, channel: str) -> Any:
        params = {"channel": channel, "ts": "1700000000.000100"}
        return await refusal(web(slack, token).api_call(f"conversations.{method}", params=params))

    everything = grant(slack, "channels:history", "groups:history", "im:history")
    assert (await read(everything, "C0GENERAL"))["error"] == "not_in_channel"
    assert (await read(everything, "C0SECURITY"))["error"] == "channel_not_found"
    assert (await read(everything, "#alerts"))["error"] == "channel_not_found"
    public = await read(grant(slack, "channels:history"), "C00ONCALL")
    assert (public["error"], public["needed"]) == ("missing_scope", "groups:history")
    nothing = await read(grant(slack, "chat:write"), "C00ALERTS")
    assert nothing["needed"] == "channels:history,groups:history,mpim:history,im:history"


async def test_a_person_reads_any_public_channel(slack: StandIn) -> None:
    token = grant(slack, "channels:history", user="U0KATHERINE", kind="user")
    assert (await web(slack, token).conversations_history(channel="C0PLATFORM"))["messages"] == []


@pytest.mark.parametrize(
    ("argument", "code"),
    [
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "-1"}, "invalid_ts_latest"),
        ({"limit": 1001}, "invalid_limit"),
        ({"cursor": "c3RhcnQ6NQ=="}, "invalid_cursor"),
    ],
)
async def test_a_window_that_is_none_is_refused(
    slack: StandIn, argument: dict[str, Any], code: str
) -> None:
    client = unlimited(slack)
    assert await error(client.conversations_history(channel="C00ALERTS", **argument)) == code
    [parent] = await post(client, 1)
    replies = client.conversations_replies(channel="C00ALERTS", ts=parent, **argument)
    assert await error(replies) == code

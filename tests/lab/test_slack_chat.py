"""chat.postMessage and chat.update as Slack does them."""

import re
from typing import Any

import pytest

from lab.slack.server import StandIn
from lab.slack.workspace import Team, Token
from tests.lab.slack_talk import (
    MINIMAL,
    SECTION,
    control,
    error,
    grant,
    refusal,
    shown,
    unlimited,
    web,
)

METADATA = {"event_type": "delivery", "event_payload": {"id": "d1"}}


async def test_a_post_is_answered_with_the_message_as_it_stands(slack: StandIn) -> None:
    answer = await web(slack).chat_postMessage(
        channel="C00ALERTS", text="fallback", blocks=[SECTION], metadata=METADATA
    )
    assert answer["channel"] == "C00ALERTS"
    assert re.fullmatch(r"\d{10}\.\d{6}", answer["ts"])
    assert answer["message"] == {
        "type": "message",
        "ts": answer["ts"],
        "text": "fallback",
        "team": "T0ACME",
        "user": "U00TOCSIN",
        "bot_id": "B0TOCSIN",
        "app_id": "A0TOCSIN",
        "blocks": [{"block_id": "b0", **SECTION}],
        "metadata": METADATA,
    }


@pytest.mark.parametrize("asked", ["alerts", "#alerts", "C00ALERTS"])
async def test_a_post_by_name_is_answered_with_the_id(slack: StandIn, asked: str) -> None:
    answer = await web(slack).chat_postMessage(channel=asked, text="x")
    assert answer["channel"] == "C00ALERTS"


async def test_a_post_to_a_person_goes_to_their_direct_message(slack: StandIn) -> None:
    client = unlimited(slack)
    first = await client.chat_postMessage(channel="U000GRACE", text="one")
    second = await client.chat_postMessage(channel="U000GRACE", text="two")
    assert first["channel"] == second["channel"]
    assert first["channel"].startswith("D")
    assert [m["text"] for m in await shown(slack, first["channel"])] == ["one", "two"]
    by_id = await client.chat_postMessage(channel=first["channel"], text="three")
    assert by_id["channel"] == first["channel"]


async def test_timestamps_in_a_channel_are_unique_and_rise(slack: StandIn) -> None:
    client = unlimited(slack)
    stamps = [(await client.chat_postMessage(channel="alerts", text="x"))["ts"] for _ in range(20)]
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ("channel", "code"),
    [
        ("#nowhere", "channel_not_found"),
        ("C0NOWHERE", "channel_not_found"),
        ("U0NOBODY", "channel_not_found"),
        ("#security", "channel_not_found"),
        ("C0SECURITY", "channel_not_found"),
        ("#old-alerts", "is_archived"),
    ],
)
async def test_a_post_that_cannot_arrive_is_refused(
    slack: StandIn, channel: str, code: str
) -> None:
    assert await error(web(slack).chat_postMessage(channel=channel, text="x")) == code


async def test_a_public_channel_needs_membership_or_the_public_scope(slack: StandIn) -> None:
    refused = web(slack, MINIMAL).chat_postMessage(channel="#general", text="x")
    assert await error(refused) == "not_in_channel"
    allowed = await web(slack).chat_postMessage(channel="#general", text="x")
    assert allowed["channel"] == "C0GENERAL"


async def test_an_invitation_takes_effect_at_once(slack: StandIn) -> None:
    client = web(slack, MINIMAL)
    assert await error(client.chat_postMessage(channel="security", text="x")) == "channel_not_found"
    await control(
        slack, "POST", "channels", {"id": "C0SECURITY", "members": ["U000GRACE", "U00TOCSIN"]}
    )
    assert (await client.chat_postMessage(channel="security", text="x"))["ok"]


async def test_posting_needs_chat_write(slack: StandIn) -> None:
    token = grant(slack, "channels:read")
    assert (
        await error(web(slack, token).chat_postMessage(channel="alerts", text="x"))
        == "missing_scope"
    )


async def test_a_reply_stays_in_its_thread_unless_broadcast(slack: StandIn) -> None:
    client = unlimited(slack)
    parent = (await client.chat_postMessage(channel="alerts", text="parent"))["ts"]
    await client.chat_postMessage(channel="alerts", text="quiet", thread_ts=parent)
    loud = await client.chat_postMessage(
        channel="alerts", text="loud", thread_ts=parent, reply_broadcast=True
    )
    assert loud["message"]["thread_ts"] == parent
    [thread] = await shown(slack, "C00ALERTS")
    assert [(r["text"], r["broadcast"]) for r in thread["replies"]] == [
        ("quiet", False),
        ("loud", True),
    ]
    history = await client.conversations_history(channel="C00ALERTS")
    assert [m["text"] for m in history["messages"]] == ["loud", "parent"]


async def test_a_reply_to_a_message_that_is_not_there_is_accepted_and_unseen(
    slack: StandIn,
) -> None:
    client = unlimited(slack)
    answer = await client.chat_postMessage(
        channel="alerts", text="lost", thread_ts="1700000000.000100"
    )
    assert answer["ok"]
    assert (await client.conversations_history(channel="C00ALERTS"))["messages"] == []


async def test_a_thread_ts_of_another_shape_is_refused(slack: StandIn) -> None:
    refused = await refusal(
        web(slack).chat_postMessage(channel="alerts", text="x", thread_ts="yesterday")
    )
    assert refused["error"] == "invalid_thread_ts"
    assert refused["response_metadata"]["messages"] == [
        "[ERROR] yesterday is not a valid thread_ts"
    ]


async def test_a_name_and_icon_show_with_the_scope_for_them(slack: StandIn) -> None:
    answer = await web(slack).chat_postMessage(
        channel="alerts", text="x", username="Deploys", icon_emoji=":rocket:"
    )
    message = answer["message"]
    assert (message["subtype"], message["username"]) == ("bot_message", "Deploys")
    assert message["icons"] == {"emoji": ":rocket:"}


async def test_an_icon_may_be_an_address(slack: StandIn) -> None:
    icon = "https://acme.example/icon.png"
    answer = await web(slack).chat_postMessage(channel="alerts", text="x", icon_url=icon)
    assert answer["message"]["icons"] == {"image_48": icon}


async def test_a_name_without_the_scope_is_ignored_as_slack_ignores_it(slack: StandIn) -> None:
    answer = await web(slack, MINIMAL).chat_postMessage(
        channel="alerts", text="x", username="Deploys", icon_emoji=":rocket:"
    )
    assert "username" not in answer["message"]
    assert "icons" not in answer["message"]


@pytest.mark.parametrize("content", [{}, {"text": ""}, {"text": " \n"}, {"blocks": []}])
async def test_a_message_of_nothing_is_refused(slack: StandIn, content: dict[str, Any]) -> None:
    call = web(slack).api_call("chat.postMessage", json={"channel": "C00ALERTS", **content})
    assert await error(call) == "no_text"


async def test_a_text_beyond_forty_thousand_characters_is_cut_with_a_warning(
    slack: StandIn,
) -> None:
    answer = await web(slack).chat_postMessage(channel="alerts", text="x" * 40_001)
    assert answer["message"]["text"] == "x" * 40_000
    assert answer["warning"] == "message_truncated"


async def test_an_attachment_is_kept_as_slack_keeps_it(slack: StandIn) -> None:
    answer = await web(slack).chat_postMessage(
        channel="alerts",
        text="x",
        attachments=[{"color": "#D9222A", "blocks": [SECTION]}, {"color": "good", "text": "y"}],
    )
    assert answer["message"]["attachments"] == [
        {
            "id": 1,
            "color": "D9222A",
            "fallback": "[no preview available]",
            "blocks": [{"block_id": "b0", **SECTION}],
        },
        {"id": 2, "color": "2eb886", "fallback": "[no preview available]", "text": "y"},
    ]


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ("{", "invalid_metadata_format"),
        ("[]", "invalid_metadata_format"),
        ({"event_payload": {}}, "invalid_metadata_schema"),
        ({"event_type": "1 two", "event_payload": {}}, "invalid_metadata_schema"),
        ({"event_type": "delivery"}, "invalid_metadata_schema"),
        ({"event_type": "delivery", "event_payload": []}, "invalid_metadata_schema"),
        ({"event_type": "delivery", "event_payload": {"id": "x" * 8192}}, "metadata_too_large"),
    ],
)
async def test_metadata_of_another_shape_is_refused(
    slack: StandIn, metadata: object, code: str
) -> None:
    body = {"channel": "C00ALERTS", "text": "x", "metadata": metadata}
    assert await error(web(slack).api_call("chat.postMessage", json=body)) == code


async def test_an_edit_replaces_the_text_and_marks_the_message(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="firing"))["ts"]
    answer = await client.chat_update(channel="C00ALERTS", ts=ts, text="resolved")
    assert (answer["channel"], answer["ts"], answer["text"]) == ("C00ALERTS", ts, "resolved")
    assert answer["message"]["edited"]["user"] == "U00TOCSIN"
    [message] = await shown(slack, "C00ALERTS")
    assert (message["text"], message["edited"]) == ("resolved", True)


async def test_an_edit_of_the_text_alone_removes_blocks_and_keeps_attachments_and_metadata(
    slack: StandIn,
) -> None:
    client = unlimited(slack)
    posted = await client.chat_postMessage(
        channel="alerts", text="x", blocks=[SECTION], attachments=[{"text": "a"}], metadata=METADATA
    )
    edited = await client.chat_update(channel="C00ALERTS", ts=posted["ts"], text="y")
    assert "blocks" not in edited["message"]
    assert edited["message"]["attachments"] == posted["message"]["attachments"]
    assert edited["message"]["metadata"] == METADATA


async def test_an_edit_takes_away_what_it_gives_as_empty(slack: StandIn) -> None:
    client = unlimited(slack)
    posted = await client.chat_postMessage(
        channel="alerts", text="x", attachments=[{"text": "a"}], metadata=METADATA
    )
    body = {"channel": "C00ALERTS", "ts": posted["ts"], "text": "y", "attachments": []}
    edited = await client.api_call("chat.update", json=body | {"metadata": {}})
    assert not edited["message"].keys() & {"attachments", "metadata"}


async def test_an_edit_with_blocks_alone_keeps_the_text(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="firing"))["ts"]
    body = {"channel": "C00ALERTS", "ts": ts, "blocks": [SECTION]}
    edited = await client.api_call("chat.update", json=body)
    assert edited["message"]["text"] == "firing"
    assert edited["message"]["blocks"] == [{"block_id": "b0", **SECTION}]


async def test_an_edit_takes_the_channels_id_only(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    assert await error(client.chat_update(channel="alerts", ts=ts, text="y")) == "channel_not_found"
    direct = await client.chat_postMessage(channel="U000GRACE", text="x")
    by_person = client.chat_update(channel="U000GRACE", ts=direct["ts"], text="y")
    assert await error(by_person) == "channel_not_found"
    assert (await client.chat_update(channel=direct["channel"], ts=direct["ts"], text="y"))["ok"]


async def test_an_edit_of_a_message_that_is_not_there_is_refused(slack: StandIn) -> None:
    call = web(slack).chat_update(channel="C00ALERTS", ts="1700000000.000100", text="y")
    assert await error(call) == "message_not_found"


async def test_an_edit_of_a_deleted_message_is_refused(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    assert (await control(slack, "DELETE", f"messages?channel=alerts&ts={ts}"))[0] == 200
    call = client.chat_update(channel="C00ALERTS", ts=ts, text="y")
    assert await error(call) == "message_not_found"


async def test_an_edit_of_somebody_elses_message_is_refused(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    slack.state.put(Token(token="xoxp-g", team="T0ACME", user="U000GRACE", scopes=["chat:write"]))
    call = web(slack, "xoxp-g").chat_update(channel="C00ALERTS", ts=ts, text="y")
    assert await error(call) == "cant_update_message"


async def test_an_edit_in_an_archived_channel_is_refused(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    await control(slack, "POST", "channels", {"id": "C00ALERTS", "archived": True})
    call = client.chat_update(channel="C00ALERTS", ts=ts, text="y")
    assert await error(call) == "is_inactive"


async def test_an_edit_after_the_teams_window_is_refused(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    slack.state.put(Team(id="T0ACME", name="Acme", edit_window_seconds=0))
    call = client.chat_update(channel="C00ALERTS", ts=ts, text="y")
    assert await error(call) == "edit_window_closed"


async def test_an_edit_to_a_long_text_is_refused(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    assert (await client.chat_update(channel="C00ALERTS", ts=ts, text="y" * 4000))["ok"]
    call = client.chat_update(channel="C00ALERTS", ts=ts, text="y" * 4001)
    assert await error(call) == "msg_too_long"


async def test_an_edit_to_nothing_is_refused(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    body = {"channel": "C00ALERTS", "ts": ts, "text": ""}
    assert await error(client.api_call("chat.update", json=body)) == "no_text"


async def test_a_person_posts_under_their_own_name(slack: StandIn) -> None:
    token = grant(slack, "chat:write", user="U000GRACE", kind="user")
    answer = await web(slack, token).chat_postMessage(channel="general", text="hello")
    assert answer["message"]["user"] == "U000GRACE"
    assert [m["author"] for m in await shown(slack, "C0GENERAL")] == ["Grace Hopper"]

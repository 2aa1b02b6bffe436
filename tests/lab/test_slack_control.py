"""The control API: the workspace changed at run time, messages shown, starting over."""

from typing import Any

import pytest

from lab.slack.server import StandIn
from tests.lab.slack_talk import FULL, MINIMAL, control, error, journaled, shown, unlimited, web


async def test_a_token_is_added_and_revoked_at_run_time(slack: StandIn) -> None:
    token = {"token": "xoxb-new", "team": "T0ACME", "user": "U00TOCSIN", "scopes": ["chat:write"]}
    assert (await control(slack, "POST", "tokens", token))[0] == 200
    assert (await web(slack, "xoxb-new").auth_test())["user_id"] == "U00TOCSIN"
    change = {"token": "xoxb-new", "state": "revoked"}
    assert (await control(slack, "POST", "tokens", change))[1] == {"ok": True, "records": 1}
    assert await error(web(slack, "xoxb-new").auth_test()) == "token_revoked"
    assert slack.state.tokens["xoxb-new"].scopes == ["chat:write"]


async def test_channels_are_added_and_changed_at_run_time(slack: StandIn) -> None:
    channels = [
        {"id": "C0NEW", "team": "T0ACME", "name": "neu-ünï", "members": ["U00TOCSIN"]},
        {"id": "C00ALERTS", "archived": True},
    ]
    assert (await control(slack, "POST", "channels", channels))[1]["records"] == 2
    client = unlimited(slack)
    assert (await client.chat_postMessage(channel="#neu-ünï", text="x"))["channel"] == "C0NEW"
    assert await error(client.chat_postMessage(channel="alerts", text="x")) == "is_archived"
    await control(slack, "POST", "channels", {"id": "C00ALERTS", "archived": False})
    assert (await client.chat_postMessage(channel="alerts", text="x"))["ok"]


async def test_teams_users_and_webhooks_are_added_at_run_time(slack: StandIn) -> None:
    await control(slack, "POST", "teams", {"id": "T0NEW", "name": "New", "domain": "new"})
    await control(slack, "POST", "users", {"id": "U0NEW", "team": "T0NEW", "name": "new"})
    await control(slack, "POST", "channels", {"id": "C0NEW", "team": "T0NEW", "name": "alerts"})
    hook = {"id": "B0NEW", "team": "T0NEW", "secret": "s", "channel": "C0NEW"}
    await control(slack, "POST", "webhooks", hook)
    await control(slack, "POST", "tokens", {"token": "xoxp-new", "team": "T0NEW", "user": "U0NEW"})
    answer = await web(slack, "xoxp-new").auth_test()
    assert (answer["team"], answer["user"]) == ("New", "new")
    assert slack.webhook_url("B0NEW") == f"{slack.url}/services/T0NEW/B0NEW/s"


@pytest.mark.parametrize(
    ("kind", "record"),
    [
        ("channels", {"id": "C0NEW", "name": "x"}),
        ("channels", {"id": "C00ALERTS", "hidden": True}),
        ("channels", {"id": "C0NEW", "team": "T0NONE", "name": "x"}),
        ("tokens", {"token": "t", "team": "T0ACME", "user": "U", "state": "lost"}),
        ("tokens", "xoxb"),
    ],
)
async def test_a_record_that_makes_no_sense_is_refused_with_a_reason(
    slack: StandIn, kind: str, record: Any
) -> None:
    status, answer = await control(slack, "POST", kind, record)
    assert status == 400
    assert answer["error"]


async def test_of_several_records_none_is_taken_if_one_makes_no_sense(slack: StandIn) -> None:
    records = [{"id": "C00ALERTS", "archived": True}, {"id": "C0NEW"}]
    assert (await control(slack, "POST", "channels", records))[0] == 400
    assert not slack.state.channels["C00ALERTS"].archived


async def test_messages_are_shown_as_they_now_stand(slack: StandIn) -> None:
    client = unlimited(slack)
    metadata = {"event_type": "delivery", "event_payload": {"id": "d1"}}
    parent = await client.chat_postMessage(channel="alerts", text="a", metadata=metadata)
    await client.chat_postMessage(channel="alerts", text="b", thread_ts=parent["ts"])
    await client.chat_update(channel="C00ALERTS", ts=parent["ts"], text="c")
    _, body = await control(slack, "GET", "messages?channel=alerts")
    assert (body["channel"], body["name"]) == ("C00ALERTS", "alerts")
    [message] = body["messages"]
    assert message["text"] == "c"
    assert (message["edited"], message["metadata"]) == (True, metadata)
    assert (message["author"], message["bot_id"]) == ("Tocsin", "B0TOCSIN")
    assert [reply["text"] for reply in message["replies"]] == ["b"]


async def test_a_reply_without_its_parent_is_shown_among_the_messages(slack: StandIn) -> None:
    client = unlimited(slack)
    lost = "1700000000.000100"
    await client.chat_postMessage(channel="alerts", text="lost", thread_ts=lost)
    assert [(m["text"], m["thread_ts"]) for m in await shown(slack, "C00ALERTS")] == [
        ("lost", lost)
    ]


async def test_messages_of_no_channel_are_refused(slack: StandIn) -> None:
    assert await control(slack, "GET", "messages") == (
        400,
        {"error": "no channel has the ID or name ''"},
    )
    status, _ = await control(slack, "DELETE", "messages?channel=alerts&ts=1700000000.000100")
    assert status == 400


async def test_reset_starts_over(slack: StandIn) -> None:
    client = unlimited(slack)
    await client.chat_postMessage(channel="alerts", text="x")
    await control(slack, "POST", "channels", {"id": "C00ALERTS", "archived": True})
    await control(slack, "POST", "faults", [{"kind": "error"}])
    await control(slack, "POST", "reset")
    assert await shown(slack, "C00ALERTS") == []
    assert journaled(slack) == []
    assert (await client.chat_postMessage(channel="alerts", text="x"))["ok"]
    assert await error(client.chat_postMessage(channel="alerts", text="x")) == "ratelimited"


async def test_reset_takes_another_workspace(slack: StandIn) -> None:
    other = {
        "teams": [{"id": "T1", "name": "One"}],
        "tokens": [{"token": "xoxb-one", "team": "T1", "user": "U1"}],
    }
    assert (await control(slack, "POST", "reset", other))[0] == 200
    assert (await web(slack, "xoxb-one").auth_test())["team"] == "One"
    assert await error(web(slack, FULL).auth_test()) == "invalid_auth"
    status, answer = await control(slack, "POST", "reset", other | {"teams": []})
    assert (status, "T1" in answer["error"]) == (400, True)
    assert MINIMAL not in slack.state.tokens

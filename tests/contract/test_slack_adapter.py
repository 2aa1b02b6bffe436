"""The Slack adapter against the lab's Slack stand-in, over real HTTP."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lab.slack.faults import Fault
from lab.slack.limits import Limits, Rule
from lab.slack.server import StandIn
from lab.slack.workspace import Channel, Token, load_workspace
from tocsin.adapters.slack import SlackWebApi
from tocsin.errors import (
    SlackAmbiguous,
    SlackCredentialRejected,
    SlackDestinationRejected,
    SlackError,
    SlackMessageGone,
    SlackPayloadRejected,
    SlackTransient,
)
from tocsin.model.message import Message, MessageRef
from tocsin.model.workspace import ChannelInfo, Connection, TokenType
from tocsin.redact import Secret

TOKEN = "xoxb-lab-acme-full"
MINIMAL = "xoxb-lab-acme-minimal"
MESSAGE = Message(
    text="KubePodCrashLooping is firing",
    blocks=(
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*KubePodCrashLooping*", "verbatim": True},
        },
    ),
    attachments=({"color": "#e01e5a", "blocks": [{"type": "divider"}]},),
)
CHANGED = Message(text="KubePodCrashLooping is resolved")


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[StandIn]:
    async with StandIn(
        load_workspace(), tmp_path / "journal.ndjson", limits=Limits(enabled=False)
    ) as server:
        yield server


@pytest.fixture
async def slack() -> AsyncIterator[SlackWebApi]:
    api = SlackWebApi({})
    yield api
    await api.close()


@pytest.fixture
def acme(stand_in: StandIn) -> Connection:
    return Connection("monitoring/acme", Secret(TOKEN), stand_in.api_url, timeout_seconds=5.0)


async def messages(stand_in: StandIn) -> list[dict[str, Any]]:
    """What #alerts shows now."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{stand_in.url}/_lab/messages?channel=C00ALERTS") as response,
    ):
        shown = (await response.json())["messages"]
    assert isinstance(shown, list)
    return shown


async def test_verify_tells_the_team_the_bot_and_the_scopes(
    slack: SlackWebApi, acme: Connection
) -> None:
    identity = await slack.verify(acme)
    assert (identity.team_id, identity.team, identity.user) == ("T0ACME", "Acme", "tocsin")
    assert identity.bot_id == "B0TOCSIN"
    assert identity.token_type is TokenType.BOT
    assert {"chat:write", "channels:read"} <= identity.scopes
    assert "channels:history" in identity.scopes


async def test_a_token_of_a_person_is_a_user_token(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    stand_in.state.put(
        Token(
            token="xoxp-grace", team="T0ACME", user="U000GRACE", kind="user", scopes=["chat:write"]
        )
    )
    identity = await slack.verify(replace(acme, token=Secret("xoxp-grace")))
    assert (identity.token_type, identity.user_id) == (TokenType.USER, "U000GRACE")


@pytest.mark.parametrize("channel", ["#alerts", "alerts", "C00ALERTS"])
async def test_a_post_arrives_as_written_and_its_reference_has_the_channels_id(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection, channel: str
) -> None:
    ref = await slack.post(acme, channel, MESSAGE, "d-1")
    [shown] = await messages(stand_in)
    assert ref == MessageRef("C00ALERTS", shown["ts"])
    assert shown["text"] == MESSAGE.text
    assert shown["blocks"][0]["text"]["text"] == "*KubePodCrashLooping*"
    assert shown["attachments"][0]["color"] == "e01e5a"
    assert shown["metadata"] == {"event_type": "tocsin_delivery", "event_payload": {"id": "d-1"}}
    assert shown["author"] == "Tocsin"


async def test_a_reply_is_in_the_thread_and_shown_in_the_channel(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    parent = await slack.post(acme, "alerts", MESSAGE, "d-1")
    await slack.post(acme, "alerts", CHANGED, "d-2", thread_ts=parent.ts)
    [shown] = await messages(stand_in)
    [reply] = shown["replies"]
    assert (reply["text"], reply["broadcast"]) == (CHANGED.text, True)


async def test_a_post_goes_under_the_configs_own_name_and_icon(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    await slack.post(
        replace(acme, username="Night watch", icon_emoji=":bell:"), "alerts", MESSAGE, "d-1"
    )
    [message] = stand_in.state.timeline("C00ALERTS")
    assert (message.author.username, message.author.icon_emoji) == ("Night watch", ":bell:")


async def test_an_edit_replaces_text_blocks_and_attachments(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    ref = await slack.post(acme, "alerts", MESSAGE, "d-1")
    await slack.edit(acme, ref, CHANGED, "d-2")
    [shown] = await messages(stand_in)
    assert (shown["text"], shown["blocks"], shown["attachments"]) == (CHANGED.text, [], [])
    assert shown["metadata"]["event_payload"] == {"id": "d-2"}


async def test_editing_a_deleted_message_says_that_it_is_gone(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    ref = await slack.post(acme, "alerts", MESSAGE, "d-1")
    assert stand_in.state.delete(ref.channel_id, ref.ts)
    with pytest.raises(SlackMessageGone, match="message_not_found"):
        await slack.edit(acme, ref, CHANGED, "d-2")


async def test_editing_after_the_edit_window_says_that_the_message_is_gone(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    stand_in.state.teams["T0ACME"].edit_window_seconds = 60
    with pytest.raises(SlackMessageGone, match="message_not_found"):
        await slack.edit(acme, MessageRef("C00ALERTS", "1700000000.000100"), CHANGED, "d-2")
    stand_in.state.teams["T0ACME"].edit_window_seconds = 0
    ref = await slack.post(acme, "alerts", MESSAGE, "d-1")
    with pytest.raises(SlackMessageGone, match="edit_window_closed"):
        await slack.edit(acme, ref, CHANGED, "d-2")


@pytest.mark.parametrize(
    ("token", "channel", "code"),
    [
        (TOKEN, "nowhere", "channel_not_found"),
        (TOKEN, "security", "channel_not_found"),
        (TOKEN, "old-alerts", "is_archived"),
        (MINIMAL, "general", "not_in_channel"),
    ],
)
async def test_a_channel_that_cannot_be_posted_to_is_the_destinations_fault(
    slack: SlackWebApi, acme: Connection, token: str, channel: str, code: str
) -> None:
    with pytest.raises(SlackDestinationRejected) as raised:
        await slack.post(replace(acme, token=Secret(token)), channel, MESSAGE, "d-1")
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("state", "code"),
    [("revoked", "token_revoked"), ("expired", "token_expired"), ("inactive", "account_inactive")],
)
async def test_a_token_that_slack_no_longer_takes_is_the_credentials_fault(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection, state: Any, code: str
) -> None:
    stand_in.state.tokens[TOKEN].state = state
    with pytest.raises(SlackCredentialRejected) as raised:
        await slack.post(acme, "alerts", MESSAGE, "d-1")
    assert raised.value.code == code


async def test_a_missing_scope_is_named(slack: SlackWebApi, acme: Connection) -> None:
    with pytest.raises(SlackCredentialRejected, match="channels:read") as raised:
        await slack.channels(replace(acme, token=Secret(MINIMAL)), private=False)
    assert raised.value.code == "missing_scope"


async def test_a_refused_message_comes_with_slacks_explanation(
    slack: SlackWebApi, acme: Connection
) -> None:
    wrong = Message(text="x", blocks=({"type": "header", "text": {"type": "mrkdwn", "text": ""}},))
    with pytest.raises(SlackPayloadRejected, match=r"invalid_blocks.*json-pointer:/blocks/0"):
        await slack.post(acme, "alerts", wrong, "d-1")


async def test_a_rate_limit_says_when_to_come_back(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    stand_in.limits.configure({"chat.postMessage": Rule(20, 1)}, enabled=True)
    await slack.post(acme, "alerts", MESSAGE, "d-1")
    with pytest.raises(SlackTransient) as raised:
        await slack.post(acme, "alerts", MESSAGE, "d-2")
    assert (raised.value.code, raised.value.retry_after_seconds) == ("ratelimited", 3.0)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=500),
        Fault(kind="status", status=502),
        Fault(kind="status", status=503),
        Fault(kind="error", error="internal_error"),
        Fault(kind="error", error="fatal_error"),
        Fault(kind="drop_before", count=1),
        Fault(kind="drop_after"),
        Fault(kind="timeout", count=1),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.error}",
)
async def test_a_post_without_a_verdict_is_ambiguous(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection, fault: Fault
) -> None:
    stand_in.faults.add(fault)
    with pytest.raises(SlackAmbiguous):
        await slack.post(replace(acme, timeout_seconds=0.3), "alerts", MESSAGE, "d-1")


async def test_a_look_up_without_a_verdict_is_simply_repeated(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    stand_in.faults.add(Fault(kind="status", status=502, count=1), Fault(kind="drop_before"))
    for _ in range(2):
        with pytest.raises(SlackTransient):
            await slack.find(acme, "C00ALERTS", "d-1", time.time() - 60)


async def test_a_delivery_is_found_in_the_history_page_after_page(
    slack: SlackWebApi, acme: Connection
) -> None:
    since = time.time() - 60
    refs = [await slack.post(acme, "alerts", CHANGED, f"d-{number}") for number in range(201)]
    assert await slack.find(acme, "C00ALERTS", "d-0", since) == refs[0]
    assert await slack.find(acme, "C00ALERTS", "d-200", since) == refs[200]
    assert await slack.find(acme, "C00ALERTS", "d-201", since) is None


async def test_a_dropped_post_that_slack_took_is_found(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection
) -> None:
    stand_in.faults.add(Fault(kind="drop_after", count=1))
    with pytest.raises(SlackAmbiguous):
        await slack.post(acme, "alerts", MESSAGE, "d-1")
    found = await slack.find(acme, "C00ALERTS", "d-1", time.time() - 60)
    [shown] = await messages(stand_in)
    assert found == MessageRef("C00ALERTS", shown["ts"])


async def test_a_reply_is_found_in_its_thread(slack: SlackWebApi, acme: Connection) -> None:
    since = time.time() - 60
    parent = await slack.post(acme, "alerts", MESSAGE, "d-1")
    reply = await slack.post(acme, "alerts", CHANGED, "d-2", thread_ts=parent.ts)
    assert await slack.find(acme, "C00ALERTS", "d-2", since, thread_ts=parent.ts) == reply
    assert await slack.find(acme, "C00ALERTS", "d-3", since, thread_ts=parent.ts) is None


async def test_a_thread_that_does_not_exist_holds_no_reply(
    slack: SlackWebApi, acme: Connection
) -> None:
    since = time.time() - 60
    assert await slack.find(acme, "C00ALERTS", "d-1", since, thread_ts="1700000000.000100") is None


async def test_a_history_that_cannot_be_read_is_never_an_absence(
    slack: SlackWebApi, acme: Connection
) -> None:
    since = time.time() - 60
    with pytest.raises(SlackCredentialRejected, match="channels:history"):
        await slack.find(replace(acme, token=Secret(MINIMAL)), "C00ALERTS", "d-1", since)
    with pytest.raises(SlackDestinationRejected, match="not_in_channel"):
        await slack.find(acme, "C0GENERAL", "d-1", since)
    with pytest.raises(SlackDestinationRejected, match="channel_not_found"):
        await slack.find(acme, "alerts", "d-1", since)


async def test_public_and_private_channels_are_listed_apart(
    slack: SlackWebApi, acme: Connection
) -> None:
    public = await slack.channels(acme, private=False)
    assert public.by_name["general"] == ChannelInfo("C0GENERAL", "general", False, False, False)
    assert public.by_id["C00ALERTS"].is_member
    assert public.by_name["old-alerts"].is_archived
    private = await slack.channels(acme, private=True)
    assert set(private.by_name) == {"oncall"}
    assert private.by_name["oncall"].is_private


async def test_a_long_list_waits_out_rate_limits_and_comes_whole(
    stand_in: StandIn, acme: Connection
) -> None:
    for number in range(2300):
        stand_in.state.put(Channel(id=f"C1X{number:05d}", team="T0ACME", name=f"c-{number}"))
    stand_in.limits.configure({"conversations.list": Rule(20, 4)}, enabled=True)
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if seconds > 0:
            stand_in.limits.configure({})  # as if that time had passed

    slack = SlackWebApi({}, sleep)
    listing = await slack.channels(acme, private=False)
    await slack.close()
    assert {f"c-{number}" for number in range(2300)} <= set(listing.by_name)
    assert waits == [3.0, 3.0, 3.0, 3.0]


async def test_one_conversation_is_looked_up_by_its_id(
    slack: SlackWebApi, acme: Connection
) -> None:
    assert await slack.channel(acme, "C00ONCALL") == ChannelInfo(
        "C00ONCALL", "oncall", True, True, False
    )
    with pytest.raises(SlackDestinationRejected):
        await slack.channel(acme, "C0NOWHERE")


async def test_no_error_of_any_kind_shows_the_token(
    stand_in: StandIn, slack: SlackWebApi, acme: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    wrong = replace(acme, token=Secret("xoxb-1234-wrong"), timeout_seconds=0.3)
    stand_in.faults.add(
        *(Fault(kind="status", status=status, count=1) for status in (429, 500, 502, 503)),
        Fault(kind="timeout", count=1),
        Fault(kind="drop_before", count=1),
    )
    seen = []
    for _ in range(7):
        with pytest.raises(SlackError) as raised:
            await slack.post(wrong, "alerts", MESSAGE, "d-1")
        error = raised.value
        assert error.__cause__ is None
        assert error.__context__ is None
        seen.append(f"{error!r} {error} {vars(error)}")
    assert "invalid_auth" in seen[-1]
    assert "xoxb" not in " ".join([*seen, caplog.text, repr(wrong)])

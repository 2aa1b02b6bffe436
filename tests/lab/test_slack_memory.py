"""Memory is bounded: old messages lose their content, and still exist."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.limits import Limits
from lab.slack.messages import parse_time
from lab.slack.server import StandIn
from lab.slack.workspace import load_workspace
from tests.lab.slack_talk import error, journaled, shown, web


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[StandIn]:
    """A stand-in that keeps the content of three messages."""
    limits = Limits(enabled=False)
    journal = tmp_path / "small"
    async with StandIn(load_workspace(), journal, limits=limits, kept_messages=3) as stand_in:
        yield stand_in


async def post(client: AsyncWebClient, text: str, thread_ts: str | None = None) -> str:
    answer = await client.chat_postMessage(channel="alerts", text=text, thread_ts=thread_ts)
    ts = answer["ts"]
    assert isinstance(ts, str)
    return ts


async def test_only_the_newest_messages_keep_their_content(small: StandIn) -> None:
    client = web(small)
    for number in range(5):
        await post(client, f"m{number}")
    assert [message["text"] for message in await shown(small, "alerts")] == ["m2", "m3", "m4"]
    history = await client.conversations_history(channel="C00ALERTS")
    assert [message["text"] for message in history["messages"]] == ["m4", "m3", "m2"]
    assert len(journaled(small)) == 6


async def test_a_forgotten_message_is_still_edited_by_its_author_alone(small: StandIn) -> None:
    client = web(small)
    old = await post(client, "old")
    for number in range(3):
        await post(client, f"m{number}")
    answer = await client.chat_update(channel="C00ALERTS", ts=old, text="new")
    assert (answer["ok"], answer["text"]) == (True, "new")
    small.state.tokens["xoxb-lab-acme-minimal"].user = "U000GRACE"
    call = web(small, "xoxb-lab-acme-minimal").chat_update(channel="C00ALERTS", ts=old, text="x")
    assert await error(call) == "cant_update_message"


async def test_a_thread_outlives_the_content_of_its_parent(small: StandIn) -> None:
    client = web(small)
    parent = await post(client, "parent")
    replies = [await post(client, f"r{number}", parent) for number in range(4)]
    thread = await client.conversations_replies(channel="C00ALERTS", ts=parent)
    assert [message["ts"] for message in thread["messages"]] == replies[1:]
    for number in range(3):
        await post(client, f"m{number}")
    alone = await client.conversations_replies(channel="C00ALERTS", ts=parent)
    assert alone["messages"] == []


async def test_a_forgotten_message_can_be_deleted(small: StandIn) -> None:
    client = web(small)
    old = await post(client, "old")
    for number in range(3):
        await post(client, f"m{number}")
    assert small.state.delete("C00ALERTS", old)
    assert not small.state.delete("C00ALERTS", old)
    call = client.chat_update(channel="C00ALERTS", ts=old, text="x")
    assert await error(call) == "message_not_found"


async def test_a_deleted_message_is_not_forgotten_but_gone(small: StandIn) -> None:
    client = web(small)
    old = await post(client, "old")
    assert small.state.delete("C00ALERTS", old)
    for number in range(4):
        await post(client, f"m{number}")
    assert small.state.timeline("C00ALERTS").identity_of(old) is None


@pytest.mark.parametrize(
    ("value", "ts"),
    [
        ("1700000000", "1700000000.000000"),
        ("1700000000.5", "1700000000.500000"),
        (1700000000.25, "1700000000.250000"),
        (0, "0000000000.000000"),
        ("1700000000.0001009", "1700000000.000100"),
        ("now", None),
        ("17000000001", None),
        ("-5", None),
    ],
)
def test_a_time_bound_is_read_as_a_ts(value: object, ts: str | None) -> None:
    assert parse_time(value) == ts

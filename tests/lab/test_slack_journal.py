"""The journal: one line a request, whatever came of it, and no token in any."""

import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lab.slack.journal import Entry, Journal, fingerprint, read_journal
from lab.slack.server import StandIn
from tests.lab.slack_talk import (
    FULL,
    MINIMAL,
    SECTION,
    error,
    eventually,
    journaled,
    raw,
    unlimited,
    web,
)

ENTRY: dict[str, Any] = {
    "at": 1.0,
    "method": "auth.test",
    "answer": "ok",
    "status": 200,
    "duration_seconds": 0.0,
}


async def test_a_post_is_journaled_as_it_was_asked_and_answered(slack: StandIn) -> None:
    client = unlimited(slack)
    before = time.time()
    parent = (await client.chat_postMessage(channel="#alerts", text="parent"))["ts"]
    content: dict[str, Any] = {
        "text": "reply",
        "blocks": [SECTION],
        "attachments": [{"color": "#d9222a", "text": "a"}],
        "metadata": {"event_type": "delivery", "event_payload": {"id": "d1"}},
        "thread_ts": parent,
        "reply_broadcast": True,
    }
    ts = (await client.chat_postMessage(channel="#alerts", **content))["ts"]
    entry = journaled(slack)[1]
    assert before <= entry.at <= time.time()
    assert 0 < entry.duration_seconds < 1
    assert (entry.method, entry.answer, entry.status) == ("chat.postMessage", "ok", 200)
    assert (entry.team, entry.channel, entry.asked) == ("T0ACME", "C00ALERTS", "#alerts")
    assert (entry.ts, entry.thread_ts, entry.reply_broadcast) == (ts, parent, True)
    assert (entry.text, entry.blocks) == ("reply", [SECTION])
    assert (entry.attachments, entry.metadata) == (content["attachments"], content["metadata"])
    assert entry.token == fingerprint(FULL)
    assert entry.accepted


async def test_every_request_is_journaled_refused_ones_too(slack: StandIn) -> None:
    client = web(slack)
    await client.auth_test()
    await error(client.chat_postMessage(channel="nowhere", text="x"))
    await error(client.chat_postMessage(channel="security", text="x"))
    await error(web(slack, "xoxb-unknown").auth_test())
    await error(web(slack, MINIMAL).conversations_list())
    await raw(slack, "auth.test")
    await raw(slack, "chat.postMessage", b"{", Content_Type="application/json; charset=utf-8")
    await error(client.api_call("no.such"))
    entries = journaled(slack)
    assert [entry.channel for entry in entries[1:3]] == ["", "C0SECURITY"]
    assert [(entry.method, entry.answer, entry.asked) for entry in entries] == [
        ("auth.test", "ok", ""),
        ("chat.postMessage", "channel_not_found", "nowhere"),
        ("chat.postMessage", "channel_not_found", "security"),
        ("auth.test", "invalid_auth", ""),
        ("conversations.list", "missing_scope", ""),
        ("auth.test", "not_authed", ""),
        ("chat.postMessage", "invalid_json", ""),
        ("no.such", "unknown_method", ""),
    ]


async def test_an_edit_is_journaled_with_the_ts_of_its_message(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
    await client.chat_update(channel="C00ALERTS", ts=ts, text="y")
    entry = journaled(slack)[-1]
    assert (entry.method, entry.ts, entry.text) == ("chat.update", ts, "y")


async def test_no_token_is_ever_written(slack: StandIn) -> None:
    client = unlimited(slack)
    await client.chat_postMessage(channel="alerts", text="x")
    await error(web(slack, "xoxb-unknown-token").auth_test())
    form = "application/x-www-form-urlencoded"
    await raw(slack, "auth.test", f"token={FULL}".encode(), Content_Type=form)
    body = f'{{"token": "{FULL}", "channel": "C00ALERTS", "text": "y"}}'.encode()
    await raw(slack, "chat.postMessage", body, Content_Type="application/json; charset=utf-8")
    async with aiohttp.ClientSession() as session:
        await session.get(f"{slack.api_url}auth.test?token={FULL}")
    entries = journaled(slack)
    assert len(entries) == 5
    written = slack.journal_path.read_text()
    assert "xoxb" not in written
    assert len({entry.token for entry in entries}) == 3


async def test_entries_are_on_the_file_without_being_asked_for(slack: StandIn) -> None:
    await web(slack).auth_test()
    await eventually(lambda: read_journal(slack.journal_path))
    assert read_journal(slack.journal_path)[0].method == "auth.test"


async def test_the_control_api_flushes_and_streams_it(slack: StandIn) -> None:
    await web(slack).auth_test()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{slack.url}/_lab/journal/flush") as response:
            size_bytes = (await response.json())["bytes"]
        assert size_bytes == slack.journal_path.stat().st_size > 0
        async with session.get(f"{slack.url}/_lab/journal") as response:
            assert response.content_type == "application/x-ndjson"
            assert await response.read() == slack.journal_path.read_bytes()


async def test_a_journal_goes_on_where_another_process_left_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    for _ in range(2):
        journal = Journal(path)
        journal.record(Entry(**ENTRY))
        journal.close()
    assert [entry.method for entry in read_journal(path)] == ["auth.test"] * 2


@pytest.mark.parametrize("torn_bytes", [1, 100, 200_000])
async def test_a_line_torn_by_a_crash_is_cut_off(tmp_path: Path, torn_bytes: int) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.record(Entry(**ENTRY))
    journal.close()
    with path.open("ab") as file:
        file.write(b"x" * torn_bytes)
    assert len(read_journal(path)) == 1
    journal = Journal(path)
    journal.record(Entry(**ENTRY))
    journal.close()
    assert len(read_journal(path)) == 2


def test_a_journal_of_nothing_but_a_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"x" * 10)
    Journal(path).close()
    assert path.read_bytes() == b""


def test_a_line_that_is_no_entry_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text("\n".join(['{"at": 1}', ""]))
    with pytest.raises(ValueError, match=r"journal, line 1: .*missing required field"):
        read_journal(path)


def test_only_its_owner_can_read_the_journal(tmp_path: Path) -> None:
    Journal(tmp_path / "journal").close()
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600

"""The page: what it is served, how it learns of changes, and that it trusts nothing it shows."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from lab.slack.feed import MAX_BACKLOG, Feed
from lab.slack.page import FILES
from lab.slack.server import StandIn
from lab.slack.state import State
from lab.slack.workspace import load_workspace
from tests.lab.slack_talk import SECTION, control, error, unlimited, web

SCRIPTS = sorted(FILES.glob("*.js"))


async def fetch(slack: StandIn, path: str) -> tuple[aiohttp.ClientResponse, str]:
    async with aiohttp.ClientSession() as session, session.get(slack.url + path) as response:
        return response, await response.text()


async def snapshot(slack: StandIn) -> dict[str, Any]:
    _, body = await fetch(slack, "/_lab/snapshot")
    content: dict[str, Any] = json.loads(body)
    return content


@asynccontextmanager
async def events(slack: StandIn) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """The page's events, listened to from the moment the context is entered."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(slack.url + "/_lab/events") as response,
    ):
        assert response.content_type == "text/event-stream"
        assert await response.content.readline() == b": listening\n"

        async def received() -> AsyncIterator[dict[str, Any]]:
            async for line in response.content:
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))

        yield received()


async def test_everything_the_page_asks_for_is_served_by_the_stand_in(slack: StandIn) -> None:
    response, document = await fetch(slack, "/")
    assert response.content_type == "text/html"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    asked = set(re.findall(r'(?:src|href)="([^"#]+)"', document))
    for script in SCRIPTS:
        asked |= {f"/page/{name}" for name in re.findall(r'from "\./(.+?)"', script.read_text())}
    assert len(asked) >= len(SCRIPTS)
    for path in asked:
        assert path.startswith("/page/")
        assert (await fetch(slack, path))[0].status == 200


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.name))
def test_no_script_parses_anything_as_html_or_code(script: Any) -> None:
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function"
    assert not re.search(sinks, script.read_text())


def test_the_document_holds_no_script_of_its_own() -> None:
    document = (FILES / "index.html").read_text()
    assert re.findall(r"<script[^>]*>(.*?)</script>", document) == [""]
    assert not re.search(r"\son\w+=|javascript:|<style", document)


async def test_the_snapshot_holds_channels_messages_and_refusals(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x", blocks=[SECTION]))["ts"]
    await error(client.chat_postMessage(channel="old-alerts", text="x"))
    await error(client.chat_postMessage(channel="nowhere", text="x"))
    content = await snapshot(slack)
    assert content["teams"] == [{"id": "T0ACME", "name": "Acme"}]
    assert {"C00ALERTS", "C0SECURITY"} <= {channel["id"] for channel in content["channels"]}
    [message] = content["messages"]
    assert (message["ts"], message["channel"], message["author"]) == (ts, "C00ALERTS", "Tocsin")
    assert [(r["error"], r["channel"], r["asked"]) for r in content["refusals"]] == [
        ("is_archived", "C0ARCHIVE", "old-alerts"),
        ("channel_not_found", "", "nowhere"),
    ]


async def test_posts_edits_deletions_and_refusals_arrive_as_they_happen(slack: StandIn) -> None:
    client = unlimited(slack)
    async with events(slack) as stream:
        ts = (await client.chat_postMessage(channel="alerts", text="x"))["ts"]
        await client.chat_update(channel="C00ALERTS", ts=ts, text="y")
        await control(slack, "DELETE", f"messages?channel=alerts&ts={ts}")
        await error(client.chat_postMessage(channel="security", text="x"))
        kinds = [await anext(stream) for _ in range(4)]
    assert [event["kind"] for event in kinds] == ["message", "edit", "delete", "refusal"]
    assert [(e["message"]["text"], e["message"]["edited"]) for e in kinds[:2]] == [
        ("x", False),
        ("y", True),
    ]
    assert (kinds[3]["method"], kinds[3]["error"]) == ("chat.postMessage", "channel_not_found")


async def test_a_rate_limited_post_says_how_long_to_wait(slack: StandIn) -> None:
    client = web(slack)
    await client.chat_postMessage(channel="alerts", text="x")
    await error(client.chat_postMessage(channel="alerts", text="y"))
    [refusal] = (await snapshot(slack))["refusals"]
    assert (refusal["error"], refusal["retry_after_seconds"]) == ("ratelimited", 1)


async def test_a_changed_workspace_makes_the_page_fetch_it_again(slack: StandIn) -> None:
    async with events(slack) as stream:
        await control(slack, "POST", "channels", {"id": "C00ALERTS", "archived": True})
        assert await anext(stream) == {"kind": "resync"}


async def test_a_listener_that_falls_behind_is_told_to_start_again() -> None:
    feed = Feed(State(load_workspace()))
    async with feed.listen() as queue:
        for _ in range(MAX_BACKLOG + 1):
            feed.changed_workspace()
        assert queue.qsize() == 1
    feed.changed_workspace()
    assert queue.qsize() == 1


async def test_a_quiet_connection_is_kept_alive(
    slack: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.slack.page.KEEP_ALIVE_SECONDS", 0.01)
    async with (
        aiohttp.ClientSession() as session,
        session.get(slack.url + "/_lab/events") as response,
    ):
        lines = [await response.content.readline() for _ in range(4)]
    assert lines == [b": listening\n", b"\n", b": still here\n", b"\n"]


async def test_the_stand_in_stops_while_a_page_listens(slack: StandIn) -> None:
    async with events(slack) as stream:
        await asyncio.wait_for(slack.__aexit__(None, None, None), timeout=5)
        assert [event async for event in stream] == []
    await slack.__aenter__()

"""How the tests of the Slack stand-in talk to it: through Slack's own SDK, or by bare HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from lab.slack.journal import Entry, read_journal
from lab.slack.server import StandIn
from lab.slack.workspace import Token

FULL = "xoxb-lab-acme-full"
MINIMAL = "xoxb-lab-acme-minimal"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*disk* is full"}}


def web(slack: StandIn, token: str = FULL) -> AsyncWebClient:
    """Slack's SDK, without its own retries."""
    return AsyncWebClient(token=token, base_url=slack.api_url, retry_handlers=[])


def unlimited(slack: StandIn) -> AsyncWebClient:
    """Slack's SDK against a stand-in whose limits are off."""
    slack.limits.configure({}, enabled=False)
    return web(slack)


async def refusal(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """The answer to a call that has to be refused."""
    with pytest.raises(SlackApiError) as refused:
        await call
    response = refused.value.response
    assert isinstance(response, AsyncSlackResponse)
    assert response["ok"] is False
    return response


async def error(call: Awaitable[AsyncSlackResponse]) -> str:
    """The error code of a call that has to be refused."""
    code = (await refusal(call))["error"]
    assert isinstance(code, str)
    return code


async def control(slack: StandIn, verb: str, path: str, body: Any = None) -> tuple[int, Any]:
    """The status and the JSON of a request to the control API."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(verb, f"{slack.url}/_lab/{path}", json=body) as response,
    ):
        return response.status, await response.json()


async def shown(slack: StandIn, channel: str) -> list[dict[str, Any]]:
    """A channel's messages as they now stand."""
    status, body = await control(slack, "GET", f"messages?channel={channel}")
    assert status == 200
    messages: list[dict[str, Any]] = body["messages"]
    return messages


async def raw(
    slack: StandIn, method: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    """A POST to the Web API as it is, without the SDK; `_` in header names stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
        session.post(slack.api_url + method, data=body, headers=named) as response,
    ):
        return response.status, await response.json()


def journaled(slack: StandIn) -> list[Entry]:
    """All entries of the journal so far."""
    slack.flush()
    return read_journal(slack.journal_path)


async def eventually(look: Callable[[], object]) -> None:
    """Wait until `look` finds something; fails after ten seconds."""
    async with asyncio.timeout(10):
        while True:
            if look():
                return
            await asyncio.sleep(0.01)


def grant(slack: StandIn, *scopes: str, **fields: Any) -> str:
    """A new token of the lab's app with just these scopes."""
    token = Token(
        token=f"xoxb-lab-{len(slack.state.tokens)}",
        team=fields.pop("team", "T0ACME"),
        user=fields.pop("user", "U00TOCSIN"),
        scopes=list(scopes),
        **fields,
    )
    slack.state.put(token)
    return token.token

"""Answers that are not as Slack's: too large, too late, elsewhere, or no JSON at all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.unit.adapters.slack_calls import connection, refusal, serving
from tocsin.adapters.slack_client import SlackClient
from tocsin.adapters.slack_session import MAX_ANSWER_BYTES
from tocsin.errors import SlackAmbiguous, SlackTransient


@pytest.fixture
async def client() -> AsyncIterator[SlackClient]:
    client = SlackClient({})
    yield client
    await client.close()


async def test_redirects_are_not_followed(client: SlackClient) -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async with serving(answer) as url:
        error = await refusal(client, connection(url))
    assert (type(error), error.code) == (SlackTransient, "redirected")
    assert paths == ["/api/chat.postMessage"]


@pytest.mark.parametrize(
    "response",
    [
        {"body": b"<html>", "content_type": "text/html"},
        {"body": b"ok", "content_type": "text/plain"},
        {"body": b"[]", "content_type": "application/json"},
        {"body": b"", "content_type": "application/json"},
        {"body": b'{"ok": tru', "content_type": "application/json"},
        {"body": b"\xff", "content_type": "application/json"},
        {"body": b"[" * 100_000, "content_type": "application/json"},
        {"body": b"\x1f\x8b", "content_type": "application/gzip"},
    ],
    ids=lambda response: f"{response['content_type']}-{response['body'][:8]!r}",
)
async def test_an_answer_that_is_no_json_object_leaves_the_outcome_open(
    client: SlackClient, response: dict[str, Any]
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(**response)

    async with serving(answer) as url:
        error = await refusal(client, connection(url))
        assert (type(error), error.code) == (SlackAmbiguous, "malformed_answer")
        assert type(await refusal(client, connection(url), "auth.test")) is SlackTransient


async def test_an_endless_answer_is_cut_off(client: SlackClient) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            for _ in range(1 + MAX_ANSWER_BYTES // 2**20):
                await response.write(b" " * 2**20)
            await response.write(b"{}")
        except ConnectionResetError:
            pass
        return response

    async with serving(answer) as url:
        error = await refusal(client, connection(url, timeout_seconds=30.0))
    assert type(error) is SlackAmbiguous
    assert "larger than" in str(error)


async def test_a_429_that_is_not_json_still_says_when_to_come_back(client: SlackClient) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "7"}, text="slow down")

    async with serving(answer) as url:
        error = await refusal(client, connection(url))
    assert isinstance(error, SlackTransient)
    assert error.retry_after_seconds == 7.0


async def test_a_server_that_does_not_answer_in_time_leaves_the_outcome_open(
    client: SlackClient,
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with serving(answer) as url:
        error = await refusal(client, connection(url, timeout_seconds=0.2))
    assert (type(error), error.code) == (SlackAmbiguous, "timeout")


async def test_the_time_limit_covers_the_whole_answer(client: SlackClient) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.02)
        except ConnectionResetError:
            return response

    async with serving(answer) as url:
        error = await refusal(client, connection(url, timeout_seconds=0.2))
    assert (type(error), error.code) == (SlackAmbiguous, "timeout")


async def test_after_closing_nothing_is_sent(client: SlackClient) -> None:
    await client.close()
    error = await refusal(client, connection("http://127.0.0.1:9/api/"))
    assert (type(error), error.code) == (SlackTransient, "stopping")

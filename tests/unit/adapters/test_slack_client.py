"""What becomes of a call when the network does not behave."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.unit.adapters.slack_calls import POST, TOKEN, connection, refusal, serving
from tocsin.adapters.slack_client import SlackClient
from tocsin.errors import SlackAmbiguous, SlackPayloadRejected, SlackTransient

# An authority made up for these tests, and a certificate of it for localhost; good until 2120.
TLS = Path(__file__).with_name("tls")


@pytest.fixture
async def client() -> AsyncIterator[SlackClient]:
    client = SlackClient({})
    yield client
    await client.close()


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem")
    return context


async def test_a_call_carries_the_token_in_its_header_and_json_in_its_body(
    client: SlackClient,
) -> None:
    seen: list[tuple[Any, ...]] = []

    async def answer(request: web.Request) -> web.Response:
        agent = request.headers["User-Agent"]
        seen.append((request.method, request.path, request.headers["Authorization"], agent))
        assert request.content_type == "application/json"
        return web.json_response({"ok": True, "heard": await request.json()})

    async with serving(answer) as url:
        response = await client.post(connection(url), POST, {"text": "grüß dich"})
    assert response.get("heard") == {"text": "grüß dich"}
    [(verb, path, authorization, agent)] = seen
    assert (verb, path, authorization) == ("POST", f"/api/{POST}", f"Bearer {TOKEN}")
    assert agent.startswith("tocsin ")


async def test_a_read_is_a_get_with_its_arguments_in_the_query(client: SlackClient) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "heard": [request.method, dict(request.query)]})

    async with serving(answer) as url:
        response = await client.get(connection(url), "conversations.info", {"channel": "C1"})
    assert response.get("heard") == ["GET", {"channel": "C1"}]


async def test_a_connection_that_breaks_leaves_the_outcome_open(client: SlackClient) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with serving(answer) as url:
        error = await refusal(client, connection(url))
    assert (type(error), error.code) == (SlackAmbiguous, "disconnected")


async def test_a_refused_connection_was_certainly_not_used(client: SlackClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = await refusal(client, connection(f"http://127.0.0.1:{port}/api/"))
    assert (type(error), error.code) == (SlackTransient, "connect_failed")


async def test_a_name_that_does_not_resolve_was_certainly_not_called(client: SlackClient) -> None:
    error = await refusal(client, connection("http://slack.invalid/api/"))
    assert (type(error), error.code) == (SlackTransient, "dns_failed")


async def test_a_handshake_that_hangs_was_certainly_not_used(client: SlackClient) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await refusal(client, connection(f"https://127.0.0.1:{port}/api/", 0.3))
    assert (type(error), error.code) == (SlackTransient, "connect_timeout")


async def test_an_untrusted_certificate_names_the_setting_for_own_authorities(
    client: SlackClient,
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async with serving(answer, server_tls()) as url:
        error = await refusal(client, connection(url))
        assert (type(error), error.code) == (SlackTransient, "tls_failed")
        assert "unable to get local issuer certificate" in str(error)
        assert "spec.api.caBundleRef" in str(error)
        trusting = ssl.create_default_context(cafile=str(TLS / "authority.pem"))
        response = await client.post(replace(connection(url), ca=trusting), POST, {})
    assert response.data == {"ok": True}


async def test_a_server_without_tls_is_a_failed_handshake(client: SlackClient) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    async with serving(answer) as url:
        error = await refusal(client, connection(url.replace("http:", "https:")))
    assert (type(error), error.code) == (SlackTransient, "tls_failed")


async def test_a_text_that_is_not_unicode_can_never_be_sent(client: SlackClient) -> None:
    with pytest.raises(SlackPayloadRejected) as raised:
        await client.post(connection("http://127.0.0.1:9/api/"), POST, {"text": "\ud800"})
    assert raised.value.__context__ is None


@asynccontextmanager
async def proxy(answer: bytes) -> AsyncIterator[tuple[str, list[str]]]:
    """A proxy that notes the first line of each request and answers the same to all."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.split(b"\r\n", 1)[0].decode())
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


async def test_https_goes_through_the_environments_proxy_unless_no_proxy_names_the_host() -> None:
    async with proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (url, seen):
        client = SlackClient({"https": url})
        error = await refusal(client, connection("https://slack.invalid/api/"))
        assert (type(error), error.code) == (SlackTransient, "proxy_refused")
        assert seen == ["CONNECT slack.invalid:443 HTTP/1.1"]
        await client.close()
        client = SlackClient({"https": url, "no": "slack.invalid"})
        assert (
            await refusal(client, connection("https://slack.invalid/api/"))
        ).code == "dns_failed"
        assert len(seen) == 1
        await client.close()


async def test_a_connections_own_proxy_goes_before_the_environments(client: SlackClient) -> None:
    async with proxy(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") as (url, seen):
        own = replace(connection("https://slack.invalid/api/"), proxy_url=url)
        assert (await refusal(client, own)).code == "proxy_refused"
    assert seen == ["CONNECT slack.invalid:443 HTTP/1.1"]


async def test_a_proxy_that_is_not_there_was_certainly_not_used(client: SlackClient) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    own = replace(connection("https://slack.invalid/api/"), proxy_url=f"http://127.0.0.1:{port}")
    error = await refusal(client, own)
    assert (type(error), error.code) == (SlackTransient, "proxy_unreachable")


async def test_the_environments_proxy_is_not_used_behind_no_proxys_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (url, seen):
        monkeypatch.setenv("HTTPS_PROXY", url)
        client = SlackClient({"https": url, "no": "slack.invalid"})
        assert (
            await refusal(client, connection("https://slack.invalid/api/"))
        ).code == "dns_failed"
        await client.close()
    assert seen == []


async def test_debug_logs_hold_no_token_and_no_message(
    client: SlackClient, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    caplog.set_level("DEBUG")
    async with serving(answer) as url:
        await client.post(connection(url), POST, {"text": "a private matter"})
    assert "secret" not in caplog.text
    assert "private" not in caplog.text

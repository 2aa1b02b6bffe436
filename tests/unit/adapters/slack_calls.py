"""What tests of Slack calls need: a server that misbehaves as told, and a call that must fail."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tocsin.adapters.slack_client import SlackClient
from tocsin.errors import SlackError
from tocsin.model.workspace import Connection
from tocsin.redact import Secret

TOKEN = "xoxb-1111-2222-secret"
POST = "chat.postMessage"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server whose every path `handler` answers; gives its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "https" if tls else "http"
    yield f"{scheme}://127.0.0.1:{runner.addresses[0][1]}/api/"
    await runner.cleanup()


def connection(url: str, timeout_seconds: float = 5.0) -> Connection:
    """A connection to `url` with the token."""
    return Connection("monitoring/acme", Secret(TOKEN), url, timeout_seconds=timeout_seconds)


async def refusal(client: SlackClient, to: Connection, method: str = POST) -> SlackError:
    """The error of a call; as free of the token as every error must be."""
    with pytest.raises(SlackError) as raised:
        await client.post(to, method, {"channel": "ops", "text": "x"})
    error = raised.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "secret" not in f"{error!r} {error} {vars(error)}"
    return error

"""The listener: connections come in, requests go to the gateway, and a stop is graceful.

Started and stopped by `app`. It bounds how many connections there are, how long one may be idle or
take over a request's head, and how long a stop waits.
"""

import asyncio
from typing import Any, Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from tocsin.edge import answers
from tocsin.edge.http import Gateway

_IDLE_SECONDS: Final = 75.0
"""Longer than the minute after which Prometheus posts again."""
_DRAIN_SECONDS: Final = 5.0
"""How long an answered request's unread rest is read, so that the sender sees the answer."""
_STOP_SECONDS: Final = 5.0

_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
    b"Content-Length: 21\r\n\r\ntoo many connections\n"
)

_log = structlog.get_logger(__name__)


class HttpServer:
    """Listens on `host`:`port` (0: any free port, see `port`), for `max_connections` at once."""

    def __init__(
        self,
        gateway: Gateway,
        host: str,
        port: int,
        max_connections: int,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self._gateway = gateway
        self._address = (host, port)
        self._max_connections = max_connections
        self._idle_seconds = idle_seconds
        self._connections: _Connections | None = None
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Errors: OSError where the address cannot be listened on."""
        self._connections = _Connections(self._gateway, self._max_connections, self._idle_seconds)
        host, port = self._address
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connections, host, port, backlog=1024)

    @property
    def port(self) -> int:
        """The port listened on."""
        assert self._listener is not None, "not started"
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Take no more connections and requests; let those under way end within 5 s."""
        if self._listener is None or self._connections is None:
            return
        self._listener.close()
        self._connections.pre_shutdown()
        await self._connections.shutdown(_STOP_SECONDS)
        self._listener = self._connections = None


class _Connections(web.Server):
    """Makes the protocol of each connection."""

    def __init__(self, gateway: Gateway, max_connections: int, idle_seconds: float) -> None:
        super().__init__(gateway)
        self._max_connections = max_connections
        self._idle_seconds = idle_seconds

    def __call__(self) -> Any:
        """Return a new connection's protocol."""
        if len(self.connections) >= self._max_connections:
            return _FullHouse()
        return _Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # it takes None, its annotation forgot
            auto_decompress=False,
            keepalive_timeout=self._idle_seconds,
            lingering_time=_DRAIN_SECONDS,
        )


class _Connection(web.RequestHandler):
    """A connection whose errors are answered without quoting the request, and logged if ours."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is not HTTP (its text may hold a token), and what no endpoint expected."""
        if isinstance(exc, HttpProcessingError):
            return answers.last_problem(status, "this is not a valid HTTP request")
        _log.error("a request failed", path=request.path, message=message, exc_info=exc)
        return answers.last_problem(status, "an error of the operator; its log says more")


class _FullHouse(asyncio.Protocol):
    """A connection beyond the limit: told so, and closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(_FULL)
        transport.close()

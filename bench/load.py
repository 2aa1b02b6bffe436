"""The load: alerts posted as Prometheus posts them, over several connections, and what came back.

In: a target and bodies. Out: acknowledgements, latencies and refusals. What is not answered with
2xx is sent again until it is. HTTP is spoken by hand, because a client library would use more of
the core that it shares with the sink than the sink does.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

RETRY_SECONDS: Final = 0.1
_ANSWER_TIMEOUT_SECONDS: Final = 30.0
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"

BodyOf = Callable[[int], bytes]
"""Makes the body of the post with a number, when that post starts."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post: a server's base URL, and its bearer token (empty for none)."""

    url: str
    token: str = ""

    def head(self) -> bytes:
        """Return a post's request line and headers, up to the value of Content-Length."""
        lines = [
            "POST /api/v2/alerts HTTP/1.1",
            f"Host: {urlsplit(self.url).netloc}",
            "User-Agent: Prometheus/2.42.0",
            "Content-Type: application/json",
        ]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        return ("\r\n".join(lines) + "\r\nContent-Length: ").encode()


@dataclass(slots=True)
class Outcome:
    """What came of some posts, each in the end acknowledged.

    `began_at` and `acknowledged_at` are seconds since the epoch by post; `latencies_seconds` are
    those of the attempts that were acknowledged. `refusals` counts the others by their status or
    by what went wrong with the connection.
    """

    began_at: dict[int, float] = field(default_factory=dict)
    acknowledged_at: dict[int, float] = field(default_factory=dict)
    latencies_seconds: list[float] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def seconds(self) -> float:
        """From the first post's start to the last acknowledgement."""
        return max(self.acknowledged_at.values()) - min(self.began_at.values())


class Connection(asyncio.Protocol):
    """A connection kept alive, for one post at a time."""

    def __init__(self, target: Target) -> None:
        self._head = target.head()
        self._received = b""
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.WriteTransport | None = None

    @classmethod
    async def open(cls, target: Target) -> Self:
        """Connect. Errors: OSError."""
        host, _, port = urlsplit(target.url).netloc.partition(":")
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(lambda: cls(target), host, int(port))
        return made

    async def post(self, body: bytes) -> int:
        """Post a body; return the status. Errors: OSError (TimeoutError after 30 s)."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the server has closed the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(self._head + str(len(body)).encode() + _HEAD_END + body)
        async with asyncio.timeout(_ANSWER_TIMEOUT_SECONDS):
            return await self._answer

    def close(self) -> None:
        """Close it; idempotent."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer; once it is whole, hand its status to who waits for it."""
        self._received += data
        head, end, content = self._received.partition(_HEAD_END)
        if not end or len(content) < _content_length(head):
            return
        self._received = b""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits for an answer that there will be none."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionResetError(str(error or "closed by the server")))


class Poster:
    """Posts until it is acknowledged, connecting anew where it must."""

    def __init__(self, target: Target, outcome: Outcome) -> None:
        self._target = target
        self._outcome = outcome
        self._connection: Connection | None = None

    async def post(self, number: int, body_of: BodyOf) -> None:
        """Post number `number`, made anew for each attempt, until it has got its 2xx."""
        while True:
            began_at = time.time()
            self._outcome.began_at.setdefault(number, began_at)
            refusal = await self._attempt(body_of(number))
            if not refusal:
                now = time.time()
                self._outcome.acknowledged_at[number] = now
                self._outcome.latencies_seconds.append(now - began_at)
                return
            self._outcome.refusals[refusal] += 1
            await asyncio.sleep(RETRY_SECONDS)

    async def _attempt(self, body: bytes) -> str:
        """Return why it was not acknowledged, empty where it was."""
        try:
            if self._connection is None:
                self._connection = await Connection.open(self._target)
            status = await self._connection.post(body)
        except OSError as error:
            self.close()
            return type(error).__name__
        return "" if 200 <= status < 300 else str(status)

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def drive(target: Target, count: int, body_of: BodyOf, connections: int) -> Outcome:
    """Post as fast as it is acknowledged: each connection its next when the last was."""
    outcome = Outcome()
    numbers = iter(range(count))

    async def work(poster: Poster) -> None:
        for number in numbers:
            await poster.post(number, body_of)
        poster.close()

    await asyncio.gather(*(work(Poster(target, outcome)) for _ in range(connections)))
    return outcome


async def pace(target: Target, count: int, body_of: BodyOf, per_second: float) -> Outcome:
    """Post at a steady rate whatever comes back, on as many connections as that takes."""
    outcome = Outcome()
    idle: list[Poster] = []
    running: set[asyncio.Task[None]] = set()

    async def work(number: int) -> None:
        poster = idle.pop() if idle else Poster(target, outcome)
        await poster.post(number, body_of)
        idle.append(poster)

    began = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / per_second - time.perf_counter()))
        task = asyncio.create_task(work(number))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    for poster in idle:
        poster.close()
    return outcome


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(_LENGTH)
    return int(rest.split(b"\r\n", 1)[0]) if found else 0

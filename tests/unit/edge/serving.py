"""The HTTP edge as it runs, on loopback, over a store that remembers what it was given."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import aiohttp
from prometheus_client import CollectorRegistry

from tocsin.edge.alerts import AlertsEndpoint
from tocsin.edge.authentication import Anyone, Authentication
from tocsin.edge.http import Gateway, routes
from tocsin.edge.metrics import Metrics
from tocsin.edge.probes import Probes
from tocsin.edge.reception import Reception
from tocsin.edge.server import HttpServer
from tocsin.errors import StoreUnavailable
from tocsin.model.records import Backlog, InboxRow
from tocsin.pipeline.intake import Intake
from tocsin.pipeline.ports import Store

NOW = 1_800_000_000.0


class RecordingStore:
    """Takes what is appended, unless `full` says why not; waits for `released` before it has it."""

    def __init__(self) -> None:
        self.rows: list[InboxRow] = []
        self.full = ""
        self.arrivals: asyncio.Queue[bytes] = asyncio.Queue()
        self.released = asyncio.Event()
        self.released.set()

    async def append(self, kind: str, sender: str, payload: bytes, accepted_at: float) -> None:
        self.arrivals.put_nowait(payload)
        await self.released.wait()
        if self.full:
            raise StoreUnavailable(self.full)
        self.rows.append(InboxRow(len(self.rows), accepted_at, kind, sender, payload))

    def can_store(self) -> str:
        return self.full

    def backlog(self) -> Backlog:
        oldest = self.rows[0].accepted_at if self.rows else None
        return Backlog(len(self.rows), sum(len(row.payload) for row in self.rows), oldest)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits to serve with."""

    max_body_bytes: int = 1 << 20
    max_connections: int = 100
    read_timeout_seconds: float = 30.0
    idle_seconds: float = 75.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read to its end; header names as they were sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Served:
    """A running edge, and a client of it."""

    store: RecordingStore
    intake: Intake
    server: HttpServer
    registry: CollectorRegistry
    client: aiohttp.ClientSession

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server.port}"

    def metric(self, name: str, **labels: str) -> float | None:
        """A sample's value, None where it is not there."""
        return self.registry.get_sample_value(name, labels)

    async def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Answer:
        """Send a request; in the names of headers, `_` stands for a hyphen."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.request(method, self.url + path, data=body, headers=sent) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def post(self, body: bytes, path: str = "/api/v2/alerts", **headers: str) -> Answer:
        """Post JSON."""
        return await self.ask(
            "POST", path, body, **({"Content_Type": "application/json"} | headers)
        )

    async def raw(self, sent: bytes, *, ends: bool = False) -> bytes:
        """Send bytes as they are; return all that comes until the other end closes.

        With `ends` this end closes first: nothing more will be sent.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(sent)
        if ends:
            writer.write_eof()
        got = await reader.read()
        writer.close()
        return got


@asynccontextmanager
async def serving(
    authentication: Authentication | None = None, bounds: Bounds = Bounds()
) -> AsyncIterator[Served]:
    """Serve for the time of the block; anyone may post unless `authentication` says otherwise."""
    store = RecordingStore()
    registry = CollectorRegistry()
    metrics = Metrics(registry, "1.2.3")
    intake = Intake(cast("Store", store), metrics, lambda: NOW)
    reception = Reception(
        authentication or Anyone(), bounds.max_body_bytes, bounds.read_timeout_seconds
    )
    alerts = AlertsEndpoint(intake, reception, metrics, 300.0, lambda: NOW)
    gateway = Gateway(routes(alerts, Probes(store.can_store), metrics), metrics)
    server = HttpServer(
        gateway, "127.0.0.1", 0, bounds.max_connections, idle_seconds=bounds.idle_seconds
    )
    await server.start()
    try:
        async with aiohttp.ClientSession() as client:
            yield Served(store, intake, server, registry, client)
    finally:
        await server.stop()


def statuses(raw: bytes) -> Sequence[int]:
    """The status codes of the answers in what a raw connection got."""
    lines = [line for line in raw.split(b"\r\n") if line.startswith(b"HTTP/1.")]
    return [int(line.split(b" ")[1]) for line in lines]

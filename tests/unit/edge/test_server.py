"""The listener: bounds on connections, and a graceful stop."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from tests.unit.edge.serving import Bounds, serving, statuses
from tocsin.edge.http import Gateway
from tocsin.edge.metrics import Metrics
from tocsin.edge.server import HttpServer

ARRAY = b'[{"labels":{"alertname":"x"}}]'


async def test_a_connection_serves_many_requests() -> None:
    async with serving(bounds=Bounds(max_connections=1)) as served:
        for _ in range(3):
            assert (await served.post(ARRAY)).status == 200


async def test_a_connection_beyond_the_limit_is_told_so() -> None:
    async with serving(bounds=Bounds(max_connections=1)) as served:
        await served.post(ARRAY)  # its connection stays open
        told = await served.raw(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert statuses(told) == [503]
        assert b"Retry-After" in told
        assert told.endswith(b"too many connections\n")


async def test_a_connection_that_ended_makes_room() -> None:
    async with serving(bounds=Bounds(max_connections=1)) as served:
        ask = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        told = [statuses(await served.raw(ask)) for _ in range(20)]
        assert told[0] == told[-1] == [200]


@pytest.mark.parametrize("sent", [b"", b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_connection_without_a_whole_request_is_closed(sent: bytes) -> None:
    async with serving(bounds=Bounds(idle_seconds=0.05)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()


async def test_a_connection_that_rests_is_closed() -> None:
    async with serving(bounds=Bounds(idle_seconds=0.05)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.read()).endswith(b"\r\n\r\nOK")
        writer.close()


async def test_what_is_not_http_is_told_so_and_not_quoted() -> None:
    async with serving() as served:
        with capture_logs() as logs:
            told = await served.raw(
                b"GET / HTTP/1.1\r\nAuthorization: Bearer\x00secret-token\r\n\r\n"
            )
        assert statuses(told) == [400]
        assert b"secret-token" not in told
        assert not logs


async def test_an_error_of_ours_is_logged_and_its_text_stays_here() -> None:
    async def fail(request: web.BaseRequest) -> web.Response:
        raise RuntimeError("inside")

    gateway = Gateway({"/fail": {"GET": fail}}, Metrics(CollectorRegistry(), "1"))
    server = HttpServer(gateway, "127.0.0.1", 0, max_connections=10)
    await server.start()
    async with aiohttp.ClientSession() as client:
        with capture_logs() as logs:
            async with client.get(f"http://127.0.0.1:{server.port}/fail") as answer:
                assert answer.status == 500
                assert "inside" not in await answer.text()
    await server.stop()
    assert [(entry["log_level"], entry["path"]) for entry in logs] == [("error", "/fail")]


async def test_a_stop_lets_what_is_under_way_end_and_takes_nothing_new() -> None:
    async with serving() as served:
        url, port = served.url, served.server.port
        served.store.released.clear()
        posting = asyncio.create_task(served.post(ARRAY))
        await served.store.arrivals.get()
        stopping = asyncio.create_task(served.server.stop())
        await asyncio.sleep(0)
        with pytest.raises(aiohttp.ClientConnectorError):
            await served.client.get(url + "/livez")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        assert not stopping.done()
        served.store.released.set()
        assert (await posting).status == 200
        await stopping
        assert len(served.store.rows) == 1


async def test_a_stop_closes_idle_connections() -> None:
    async with serving() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\nOK")
        await served.server.stop()
        assert await reader.read() == b""
        writer.close()


async def test_a_stop_may_be_asked_for_twice_or_before_the_start() -> None:
    gateway = Gateway({}, Metrics(CollectorRegistry(), "1"))
    server = HttpServer(gateway, "127.0.0.1", 0, max_connections=10)
    await server.stop()
    await server.start()
    await server.stop()
    await server.stop()

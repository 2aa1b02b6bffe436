"""What every posted request must pass: who, which media type, how large, how slow."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from tests.unit.edge.serving import NOW, Bounds, serving, statuses

ARRAY = b'[{"labels":{"alertname":"x"}}]'
HEAD = (
    b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Content-Type: application/json\r\n"
)


class Bearer:
    """Allows one header."""

    def allows(self, authorization: str) -> bool:
        return authorization == "Bearer right"


async def test_who_is_not_allowed_is_told_how_to_be() -> None:
    async with serving(Bearer()) as served:
        answer = await served.post(ARRAY)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "Authorization: Bearer" in json.loads(answer.body)["message"]
        assert not served.store.rows


async def test_the_authorization_header_decides() -> None:
    async with serving(Bearer()) as served:
        assert (await served.post(ARRAY, Authorization="Bearer right")).status == 200
        assert (await served.post(ARRAY, Authorization="Bearer wrong")).status == 401


async def test_who_is_not_allowed_learns_nothing_else() -> None:
    async with serving(Bearer(), Bounds(max_body_bytes=1)) as served:
        assert (await served.post(ARRAY, Content_Type="text/plain")).status == 401


@pytest.mark.parametrize("media_type", ["", "text/json", "application/json+x", ";"])
async def test_only_json_is_taken(media_type: str) -> None:
    async with serving() as served:
        answer = await served.post(ARRAY, Content_Type=media_type)
        assert answer.status == 415


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "snappy"])
async def test_a_compressed_body_is_not_unpacked(encoding: str) -> None:
    async with serving() as served:
        answer = await served.raw(
            HEAD + b"Content-Encoding: %s\r\nContent-Length: 2\r\n\r\n[]" % encoding.encode()
        )
        assert statuses(answer) == [415]
        assert encoding.encode() in answer


async def test_a_body_that_says_it_is_not_encoded_is_taken() -> None:
    async with serving() as served:
        assert (await served.post(ARRAY, Content_Encoding="identity")).status == 200


async def test_a_body_as_large_as_allowed_is_taken_and_one_larger_is_not() -> None:
    async with serving(bounds=Bounds(max_body_bytes=len(ARRAY))) as served:
        assert (await served.post(ARRAY)).status == 200
        answer = await served.post(ARRAY + b" ")
        assert answer.status == 413
        assert str(len(ARRAY)) in json.loads(answer.body)["message"]


async def test_a_body_of_unannounced_length_is_bounded_too() -> None:
    async with serving(bounds=Bounds(max_body_bytes=len(ARRAY))) as served:
        chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
        chunk = b"%x\r\n%s\r\n" % (len(ARRAY), ARRAY)
        for _ in range(5):  # what was refused takes no room
            assert statuses(await served.raw(chunked + chunk * 2 + b"0\r\n\r\n")) == [413]
        assert statuses(await served.raw(chunked + chunk + b"0\r\n\r\n")) == [200]


async def test_a_body_that_does_not_arrive_in_time_is_given_up() -> None:
    async with serving(bounds=Bounds(read_timeout_seconds=0.05, idle_seconds=0.1)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(HEAD + b"Content-Length: 9\r\n\r\n[")
        head = await reader.readuntil(b"\r\n\r\n")
        assert statuses(head) == [408]
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(b"Content-Length: 9\r\n\r\n[", id="it ends early"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="its chunks are none"),
    ],
)
async def test_a_body_that_is_not_as_announced_stores_nothing(rest: bytes) -> None:
    async with serving() as served:
        with capture_logs() as logs:
            told = await served.raw(HEAD + rest, ends=True)
        assert set(statuses(told)) <= {400}
        assert not logs
        assert not served.store.rows
        assert (await served.post(ARRAY)).status == 200


async def test_who_asks_first_is_told_to_go_on() -> None:
    async with serving() as served:
        asked = HEAD + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n[]"
        assert statuses(await served.raw(asked)) == [100, 200]


async def test_bodies_that_are_large_together_are_refused_until_some_are_stored() -> None:
    async with serving(bounds=Bounds(max_body_bytes=len(ARRAY))) as served:
        served.store.released.clear()
        posts = [asyncio.create_task(served.post(ARRAY)) for _ in range(4)]
        for _ in posts:
            await served.store.arrivals.get()
        answer = await served.post(ARRAY)
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert served.intake.refused_at == NOW
        served.store.released.set()
        assert [answer.status for answer in await asyncio.gather(*posts)] == [200] * 4
        assert (await served.post(ARRAY)).status == 200

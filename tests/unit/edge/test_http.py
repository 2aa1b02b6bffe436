"""Paths and methods."""

import json

import pytest

from tests.unit.edge.serving import serving


@pytest.mark.parametrize("path", ["/", "/api/v2/foo", "/metrics/x", "/api/v2/alerts%2Fx", "/%ff"])
async def test_an_unknown_path_is_named(path: str) -> None:
    async with serving() as served:
        answer = await served.ask("GET", path)
        assert answer.status == 404
        told = json.loads(answer.body)
        assert told["code"] == 404
        assert told["message"].startswith("path /")
        assert served.metric("tocsin_http_requests_total", path="other", code="404") == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_wrong_method_is_told_the_right_ones(method: str) -> None:
    async with serving() as served:
        answer = await served.ask(method, "/api/v2/alerts")
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"
        if method != "HEAD":
            wrong = f"method {method} is not allowed, but [POST] are"
            assert json.loads(answer.body) == {"code": 405, "message": wrong}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_version_1_of_the_api_is_gone(method: str) -> None:
    async with serving() as served:
        answer = await served.ask(method, "/api/v1/alerts")
        assert answer.status == 410
        assert json.loads(answer.body)["status"] == "deprecated"


async def test_a_credential_in_a_path_is_not_repeated() -> None:
    async with serving() as served:
        answer = await served.ask("GET", "/xoxb-1234-abcd")
        assert b"xoxb" not in answer.body

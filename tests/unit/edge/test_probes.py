"""Probes and the paths by which clients look for an Alertmanager."""

import json

import pytest

from tests.unit.edge.serving import serving


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_all_is_well(method: str, path: str) -> None:
    async with serving() as served:
        answer = await served.ask(method, path)
        assert answer.status == 200
        assert answer.body == (b"OK" if method == "GET" else b"")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/readyz", "/-/ready"])
async def test_it_is_not_ready_while_it_cannot_store(path: str) -> None:
    async with serving() as served:
        served.store.full = "12 MB of disk are free"
        answer = await served.ask("GET", path)
        assert answer.status == 503
        assert json.loads(answer.body)["message"] == "cannot store: 12 MB of disk are free"


@pytest.mark.parametrize("path", ["/livez", "/-/healthy"])
async def test_it_lives_all_the_same(path: str) -> None:
    async with serving() as served:
        served.store.full = "12 MB of disk are free"
        assert (await served.ask("GET", path)).status == 200

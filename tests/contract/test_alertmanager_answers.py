"""Prometheus cannot tell us from an Alertmanager: a real one, asked the same, answers the same."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lab.alertmanager import Alertmanager
from tests.contract.alertmanager_cases import CASES, PAST, Case
from tests.unit.edge.serving import serving
from tests.unit.sources.posts import CONTEXT, NOW
from tocsin.model.records import InboxRow
from tocsin.model.signal import Status
from tocsin.sources import alertmanager_webhook

AHEAD = "2999-01-01T00:00:00Z"

CONFIGURATION: dict[str, Any] = {"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path_factory.mktemp("alertmanager"), CONFIGURATION) as running:
        yield running


async def post(url: str, case: Case) -> tuple[int, bytes]:
    headers = {"Content-Type": case.content_type}
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{url}/api/v2/alerts", data=case.payload, headers=headers) as answer,
    ):
        return answer.status, await answer.read()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_post_is_answered_as_by_alertmanager(
    alertmanager: Alertmanager, case: Case
) -> None:
    theirs = await post(alertmanager.url, case)
    assert case.agrees_with(*theirs), theirs
    async with serving() as served:
        ours = await post(served.url, case)
    assert case.agrees_with(*ours), ours


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/-/healthy", 200),
        ("HEAD", "/-/healthy", 200),
        ("GET", "/-/ready", 200),
        ("POST", "/-/ready", 405),
        ("PUT", "/api/v2/alerts", 405),
        ("POST", "/api/v2/nothing", 404),
        ("GET", "/nothing", 404),
    ],
)
async def test_another_request_gets_the_same_status(
    alertmanager: Alertmanager, method: str, path: str, status: int
) -> None:
    async with serving() as served, aiohttp.ClientSession() as client:
        for url in (alertmanager.url, served.url):
            async with client.request(method, url + path) as answer:
                assert answer.status == status


async def test_what_an_alertmanager_posts_is_taken_and_read(tmp_path: Path) -> None:
    async with serving() as served:
        with Alertmanager(tmp_path, _to_webhook(f"{served.url}/webhook/alertmanager")) as sender:
            for ends_at, status in ((AHEAD, Status.FIRING), (PAST, Status.RESOLVED)):
                alert = {
                    "labels": {"alertname": "Down", "namespace": "payments"},
                    "endsAt": ends_at,
                }
                posted = await post(sender.url, Case("", json.dumps([alert]).encode(), 200))
                assert posted == (200, b"")
                payload = await asyncio.wait_for(served.store.arrivals.get(), 30)
                row = InboxRow(0, NOW, alertmanager_webhook.KIND, "", payload)
                assert alertmanager_webhook.seen_keys(row)
                ((_, signal),) = alertmanager_webhook.read(row, CONTEXT, {}).signals
                assert signal.status is status
                assert signal.namespace == "payments"
                assert (signal.ends_at is None) is (status is Status.FIRING)


def _to_webhook(url: str) -> dict[str, Any]:
    """A configuration that tells `url` of everything, almost at once."""
    receiver = {"name": "tocsin", "webhook_configs": [{"url": url, "send_resolved": True}]}
    route = {"receiver": "tocsin", "group_wait": "0s", "group_interval": "1s"}
    return {"route": route, "receivers": [receiver]}

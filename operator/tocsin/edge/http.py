"""The HTTP edge: which path is answered by what; called by `edge.server` for each request.

A table in place of a web framework's router, because the answers are those that Alertmanager's
clients expect, down to the bodies of 404, 405 and 410.
"""

import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from tocsin.edge import answers
from tocsin.edge.alerts import AlertsEndpoint
from tocsin.edge.metrics import Metrics
from tocsin.edge.probes import Probes

Endpoint = Callable[[web.BaseRequest], Awaitable[web.Response]]
Routes = Mapping[str, Mapping[str, Endpoint]]
"""Path -> method -> endpoint; HEAD is answered as GET, without the body."""


def routes(alerts: AlertsEndpoint, probes: Probes, metrics: Metrics) -> Routes:
    """Return all paths that there are."""
    return {
        "/api/v2/alerts": {"POST": alerts.post},
        "/webhook/alertmanager": {"POST": alerts.post},
        "/livez": {"GET": probes.live},
        "/readyz": {"GET": probes.ready},
        "/-/healthy": {"GET": probes.live},
        "/-/ready": {"GET": probes.ready},
        "/metrics": {"GET": metrics.get},
    }


class Gateway:
    """Answers every request, and counts the answers by known path."""

    def __init__(self, table: Routes, metrics: Metrics) -> None:
        self._table = table
        self._metrics = metrics

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer a request."""
        started = time.monotonic()
        path = request.path if request.path in self._table else request.path.rstrip("/")
        endpoints = self._table.get(path)
        if endpoints is None:
            path = "other"
            answer = _unknown(request)
        else:
            answer = await _answer(endpoints, request)
        self._metrics.answered(path, answer.status, time.monotonic() - started)
        return answer


async def _answer(endpoints: Mapping[str, Endpoint], request: web.BaseRequest) -> web.Response:
    endpoint = endpoints.get("GET" if request.method == "HEAD" else request.method)
    if endpoint is not None:
        return await endpoint(request)
    allowed = ",".join(endpoints)
    wrong = f"method {request.method} is not allowed, but [{allowed}] are"
    return answers.problem(405, wrong, headers={"Allow": allowed})


def _unknown(request: web.BaseRequest) -> web.Response:
    path = request.path
    if path.startswith("/api/v1/"):
        gone = "version 1 of Alertmanager's API is gone, as from Alertmanager 0.27; use /api/v2"
        return answers.as_json(410, {"status": "deprecated", "error": gone})
    return answers.problem(404, f"path {path} was not found")

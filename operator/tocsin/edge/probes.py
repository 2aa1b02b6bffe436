"""Whether the operator lives, and whether it can store what is sent to it.

Called by `edge.http`, for the kubelet and for clients that look for an Alertmanager. Readiness is
about intake alone: an outage of the API server or of Slack must not take it out of its Service.
"""

from collections.abc import Callable

from aiohttp import web

from tocsin.edge import answers


class Probes:
    """`can_store` returns why nothing can be stored now, empty where it can."""

    def __init__(self, can_store: Callable[[], str]) -> None:
        self._can_store = can_store

    async def live(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002 - an Endpoint
        """200 as long as the event loop turns."""
        return answers.plain(200, "OK")

    async def ready(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002 - an Endpoint
        """200 while payloads can be stored, else 503 and why not."""
        reason = self._can_store()
        return answers.busy(f"cannot store: {reason}") if reason else answers.plain(200, "OK")

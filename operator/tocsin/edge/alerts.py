"""Takes alerts: Alertmanager's API v2 array and its webhook's version 4 object, at either path.

In: a request. Out: Alertmanager's answers (status codes and bodies as a running 0.25 gives them),
once what is valid is on disk. Called by `edge.http`.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from tocsin.edge import answers
from tocsin.edge.metrics import Metrics
from tocsin.edge.reception import Reception
from tocsin.errors import StoreUnavailable
from tocsin.model.alert_wire import Checked, Refused
from tocsin.pipeline.intake import Intake
from tocsin.sources import alertmanager_api, alertmanager_webhook

_FAULTS_TOLD: Final = 10
_WEBHOOK_KINDS: Final = {
    None: alertmanager_webhook.KIND,
    "true": alertmanager_webhook.KIND,
    "false": alertmanager_webhook.INSTANT_KIND,
}


class AlertsEndpoint:
    """Alerts without an end live `resolve_timeout_seconds`; `clock` is seconds since the epoch."""

    def __init__(
        self,
        intake: Intake,
        reception: Reception,
        metrics: Metrics,
        resolve_timeout_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._intake = intake
        self._reception = reception
        self._metrics = metrics
        self._resolve_timeout_seconds = resolve_timeout_seconds
        self._clock = clock

    async def post(self, request: web.BaseRequest) -> web.Response:
        """Take a posted payload; an alert is answered for only once it is on disk."""
        body = await self._reception.receive(request)
        if isinstance(body, web.Response):
            if body.status == HTTPStatus.SERVICE_UNAVAILABLE:
                self._intake.refuse()
            return body
        try:
            if body.lstrip()[:1] == b"{":
                return await self._take_webhook(body, request.query.get("send_resolved"))
            now = self._clock()
            checked = alertmanager_api.check(body, now, self._resolve_timeout_seconds)
            return await self._take(alertmanager_api.KIND, checked)
        finally:
            self._reception.release(body)

    async def _take_webhook(self, body: bytes, send_resolved: str | None) -> web.Response:
        """Take a version 4 object; a sender that sends nothing of resolved alerts says so."""
        kind = _WEBHOOK_KINDS.get(send_resolved)
        if kind is None:
            return answers.problem(400, "send_resolved must be true or false")
        return await self._take(kind, alertmanager_webhook.check(body))

    async def _take(self, kind: str, checked: Checked | Refused) -> web.Response:
        if isinstance(checked, Refused):
            status = 422 if checked.code > 600 else checked.code
            return answers.problem(status, checked.message, checked.code)
        self._metrics.received(checked)
        if checked.payload:
            try:
                await self._intake.accept(kind, "", checked.payload)
            except StoreUnavailable as error:
                return answers.busy(f"not stored, send it again: {error}")
        if checked.faults:
            return answers.as_json(400, _told(checked.faults))
        return answers.done()


def _told(faults: tuple[str, ...]) -> str:
    """Return the faults in one line, the first of them at least."""
    told = "; ".join(faults[:_FAULTS_TOLD])
    rest = len(faults) - _FAULTS_TOLD
    return f"{told}; and {rest} more" if rest > 0 else told

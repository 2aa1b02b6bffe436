"""The answers of the HTTP edge, shaped as Alertmanager's clients know them."""

import json
from collections.abc import Mapping

from aiohttp import web

from tocsin.redact import redact

_RETRY_AFTER_SECONDS = 5


def done() -> web.Response:
    """200 with nothing in it."""
    return web.Response()


def plain(status: int, text: str) -> web.Response:
    """A line for people and probes."""
    return web.Response(status=status, text=text)


def as_json(status: int, value: object, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON document."""
    body = json.dumps(value, separators=(",", ":")).encode()
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def problem(
    status: int, message: str, code: int = 0, headers: Mapping[str, str] | None = None
) -> web.Response:
    """What is wrong, as `{"code": …, "message": …}`; `code` is the status unless it says more."""
    return as_json(status, {"code": code or status, "message": redact(message)}, headers)


def last_problem(status: int, message: str) -> web.Response:
    """What is wrong, after which the connection is closed: the rest of the request is unread."""
    answer = problem(status, message)
    answer.force_close()
    return answer


def busy(message: str) -> web.Response:
    """503: not stored, to be sent again a little later."""
    return problem(503, message, headers={"Retry-After": str(_RETRY_AFTER_SECONDS)})

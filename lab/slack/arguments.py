"""A Web API request taken apart: its arguments, its token, and Slack's warnings about its form.

Comes in: an HTTP request (GET with a query; POST with a form, multipart or JSON). Goes out:
`Arguments`, or a `Refusal`. Called by `web_api` and, for the body alone, by `webhooks`.

Source: https://docs.slack.dev/apis/web-api (methods, content types, the errors and warnings common
to all methods).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from lab.slack.errors import Refusal

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_CHARSETS: Final = frozenset({"utf-8", "utf8", "iso-8859-1"})
_BEARER: Final = "Bearer "
_decode_json: Final = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a request asks for. `token` is empty if it has none; `warnings` are Slack's codes."""

    values: Mapping[str, Any]
    token: str
    warnings: tuple[str, ...] = ()


async def read_arguments(request: web.Request, *, takes_json: bool) -> Arguments:
    """Take a request apart. As at Slack, a JSON body is ignored unless the method takes JSON.

    Errors: Refusal with invalid_json, json_not_object, invalid_post_type, missing_post_type,
    invalid_form_data or invalid_charset.
    """
    header = request.headers.get("Authorization", "")
    token = header[len(_BEARER) :].strip() if header.startswith(_BEARER) else ""
    if request.method == "GET":
        return Arguments(dict(request.query), token)
    kind, charset = _content_type(request)
    if kind == _JSON:
        warnings = () if charset else ("missing_charset",)
        values = decode_object(await request.read())
        return Arguments(values if takes_json else {}, token, warnings)
    values = await _read_form(request, kind)
    form_token = values.pop("token", "")
    warnings = ("superfluous_charset",) if charset and kind == _FORM else ()
    return Arguments(values, token or form_token, warnings)


def decode_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Errors: Refusal with invalid_json or json_not_object."""
    try:
        decoded = _decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal("invalid_json") from None
    if not isinstance(decoded, dict):
        raise Refusal("json_not_object")
    return decoded


def _content_type(request: web.Request) -> tuple[str, str]:
    """The media type and the charset, both in lower case, empty where absent."""
    kind, _, parameters = request.headers.get("Content-Type", "").partition(";")
    name, _, value = parameters.partition("=")
    charset = value.strip(' "').lower() if name.strip().lower() == "charset" else ""
    if charset and charset not in _CHARSETS:
        raise Refusal("invalid_charset")
    return kind.strip().lower(), charset


async def _read_form(request: web.Request, kind: str) -> dict[str, str]:
    values = dict(request.query)
    if kind == _MULTIPART:
        try:
            fields = await request.post()
        except ValueError:
            raise Refusal("invalid_form_data") from None
        return values | {name: field for name, field in fields.items() if isinstance(field, str)}
    body = await request.read()
    if not body:
        return values
    if kind != _FORM:
        raise Refusal("invalid_post_type" if kind else "missing_post_type")
    try:
        return values | dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        raise Refusal("invalid_form_data") from None

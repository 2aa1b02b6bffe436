"""The Web API: `/api/{method}`, from a request to Slack's answer.

Comes in: HTTP requests. Goes out: HTTP 200 with `ok` true or false, 429 with Retry-After, or what
an injected fault makes of it. Slack's order: the method, the caller, the caller's scopes, the
budget, then what the method itself checks.
"""

from functools import partial
from typing import Any, Final

import msgspec
from aiohttp import web

from lab.slack.arguments import read_arguments
from lab.slack.call import Call, Method
from lab.slack.errors import RateLimited, Refusal
from lab.slack.exchange import Answer, Exchange, Trace
from lab.slack.feed import Feed
from lab.slack.journal import fingerprint
from lab.slack.limits import Limits
from lab.slack.methods import METHODS
from lab.slack.state import State
from lab.slack.workspace import Token

_REFUSED_STATES: Final = {
    "revoked": "token_revoked",
    "expired": "token_expired",
    "inactive": "account_inactive",
}
_encode: Final = msgspec.json.Encoder().encode


class WebApi:
    """Serves the methods of `methods.METHODS`."""

    def __init__(self, state: State, limits: Limits, exchange: Exchange, feed: Feed) -> None:
        self._state = state
        self._limits = limits
        self._exchange = exchange
        self._feed = feed

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request to `/api/{method}`."""
        call = await self._read(request)
        found = self._state.find_channel(call.token.team, call.asked)
        trace = Trace(
            call.method,
            asked=call.asked,
            token=fingerprint(call.presented),
            team=call.token.team,
            channel=found.id if found else "",
            values=call.values,
        )
        answer = partial(self._answer, call, trace)
        return await self._exchange.carry_out(request, trace, answer)

    async def _read(self, request: web.Request) -> Call:
        call = Call(request.match_info["method"], self._state, self._limits)
        method = METHODS.get(call.method)
        try:
            arguments = await read_arguments(
                request, takes_json=method is None or method.takes_json
            )
        except Refusal as refusal:
            call.unreadable = refusal
            return call
        call.values, call.warnings = arguments.values, arguments.warnings
        call.presented = arguments.token
        call.token = self._state.tokens.get(arguments.token, call.token)
        return call

    def _answer(self, call: Call, trace: Trace, injected: str) -> Answer:
        """Slack's answer; refused posts and edits show on the page."""
        method = METHODS.get(call.method)
        headers = _scopes(method, call.token)
        try:
            if injected:
                raise Refusal(injected)
            result = _perform(call, method)
        except Refusal as refusal:
            given = _refuse(call, refusal, headers)
            if call.method.startswith("chat."):
                self._feed.refused(call.method, refusal, trace.channel, trace.asked)
        else:
            trace.ts = result.get("ts", "")
            given = Answer("ok", _encode(_success(result, call)), headers=headers)
        if call.channel:
            trace.channel = call.channel.id
        return given


def _perform(call: Call, method: Method | None) -> dict[str, Any]:
    """Run the method for whoever calls. Errors: Refusal."""
    if call.unreadable:
        raise call.unreadable
    if method is None:
        raise Refusal("unknown_method", req_method=call.method)
    if not call.presented:
        raise Refusal("not_authed")
    if not call.token.token:
        raise Refusal("invalid_auth")
    if call.token.state != "active":
        raise Refusal(_REFUSED_STATES[call.token.state])
    if method.scopes:
        call.require_scope(*method.scopes)
    if not method.spends_itself:
        call.spend()
    return method.run(call)


def _refuse(call: Call, refusal: Refusal, headers: dict[str, str]) -> Answer:
    body: dict[str, Any] = {"ok": False, "error": refusal.code, **refusal.extra}
    if isinstance(refusal, RateLimited):
        headers["Retry-After"] = str(refusal.retry_after_seconds)
        return Answer(refusal.code, _encode(body), 429, headers)
    _add_warnings(body, call)
    return Answer(refusal.code, _encode(body), headers=headers)


def _success(result: dict[str, Any], call: Call) -> dict[str, Any]:
    body = {"ok": True, **result}
    _add_warnings(body, call)
    return body


def _add_warnings(body: dict[str, Any], call: Call) -> None:
    """Warnings stand in the answer twice, as at Slack."""
    if call.warnings:
        body["warning"] = ",".join(call.warnings)
        metadata = {**body.get("response_metadata", {}), "warnings": list(call.warnings)}
        body["response_metadata"] = metadata


def _scopes(method: Method | None, token: Token) -> dict[str, str]:
    """The headers of an authenticated answer: scopes granted, and scopes that the method takes."""
    if not token.token or token.state != "active":
        return {}
    accepted = ",".join(method.scopes) if method else ""
    return {"x-oauth-scopes": ",".join(token.scopes), "x-accepted-oauth-scopes": accepted}

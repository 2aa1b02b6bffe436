"""The Web API: `/api/{method}`, from a request to Slack's answer.

Comes in: HTTP requests. Goes out: HTTP 200 with `ok` true or false, 429 with Retry-After, or what
an injected fault makes of it. Slack's order: the method, the caller, the caller's scopes, the
budget, then what the method itself checks.
"""

from typing import Any, Final

import msgspec
from aiohttp import web

from lab.slack.arguments import Arguments, read_arguments
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
        name = request.match_info["method"]
        method = METHODS.get(name)
        call = Call(name, self._state, self._limits)
        trace = Trace(name)
        unreadable: Refusal | None = None
        try:
            arguments = await read_arguments(
                request, takes_json=method is None or method.takes_json
            )
        except Refusal as refusal:
            unreadable, arguments = refusal, Arguments({}, "")
        call.values, call.warnings = arguments.values, arguments.warnings
        token = self._state.tokens.get(arguments.token)
        trace.values, trace.asked = arguments.values, call.asked
        trace.token, trace.team = fingerprint(arguments.token), token.team if token else ""

        def answer(injected: str) -> Answer:
            try:
                if unreadable:
                    raise unreadable
                if injected:
                    raise Refusal(injected)
                result = _perform(call, method, arguments.token, token)
            except Refusal as refusal:
                given = self._refuse(call, refusal, method, token)
            else:
                trace.ts = result.get("ts", "")
                given = Answer(
                    "ok", _encode(_success(result, call)), headers=_scopes(method, token)
                )
            trace.channel = call.channel.id if call.channel else ""
            return given

        return await self._exchange.carry_out(request, trace, answer)

    def _refuse(
        self, call: Call, refusal: Refusal, method: Method | None, token: Token | None
    ) -> Answer:
        """The answer to a refused call; refused posts and edits show on the page."""
        headers = _scopes(method, token)
        body: dict[str, Any] = {"ok": False, "error": refusal.code, **refusal.extra}
        if call.method.startswith("chat."):
            channel = call.channel or self._state.find_channel(call.token.team, call.asked)
            self._feed.refused(call.method, refusal, channel.id if channel else "", call.asked)
        if isinstance(refusal, RateLimited):
            headers["Retry-After"] = str(refusal.retry_after_seconds)
            return Answer(refusal.code, _encode(body), 429, headers)
        _add_warnings(body, call)
        return Answer(refusal.code, _encode(body), headers=headers)


def _perform(
    call: Call, method: Method | None, presented: str, token: Token | None
) -> dict[str, Any]:
    """Run the method for whoever presented the token. Errors: Refusal."""
    if method is None:
        raise Refusal("unknown_method", req_method=call.method)
    if not presented:
        raise Refusal("not_authed")
    if token is None:
        raise Refusal("invalid_auth")
    if token.state != "active":
        raise Refusal(_REFUSED_STATES[token.state])
    call.token = token
    if method.scopes:
        call.require_scope(*method.scopes)
    if not method.spends_itself:
        call.spend()
    return method.run(call)


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


def _scopes(method: Method | None, token: Token | None) -> dict[str, str]:
    """The headers of an authenticated answer: scopes granted, and scopes that the method takes."""
    if token is None or token.state != "active":
        return {}
    accepted = ",".join(method.scopes) if method else ""
    return {"x-oauth-scopes": ",".join(token.scopes), "x-accepted-oauth-scopes": accepted}

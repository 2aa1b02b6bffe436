"""Incoming webhooks: `/services/{team}/{webhook}/{secret}`, answered in plain text.

Comes in: HTTP POST with JSON, or a form whose `payload` is JSON. Goes out: `ok`, or an error's name
with its HTTP status. As at Slack the channel is the webhook's, and name and icon cannot be chosen.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks.
"""

import hmac
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from aiohttp import web

from lab.slack.arguments import decode_object
from lab.slack.content import pack, read_content
from lab.slack.errors import RateLimited, Refusal
from lab.slack.exchange import Answer, Exchange, Trace
from lab.slack.feed import Feed
from lab.slack.journal import fingerprint
from lab.slack.limits import WEBHOOK, Limits
from lab.slack.messages import TS_SHAPE, Author, Message
from lab.slack.state import State
from lab.slack.workspace import Webhook

_STATUSES: Final = {
    "no_team": 404,
    "no_service": 404,
    "channel_not_found": 404,
    "invalid_token": 403,
    "action_prohibited": 403,
    "channel_is_archived": 410,
    "rollup_error": 500,
}
_BAD_REQUEST: Final = 400


class Webhooks:
    """Serves the workspace's webhooks."""

    def __init__(self, state: State, limits: Limits, exchange: Exchange, feed: Feed) -> None:
        self._state = state
        self._limits = limits
        self._exchange = exchange
        self._feed = feed

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request to a webhook's URL."""
        team, webhook_id = request.match_info["team"], request.match_info["webhook"]
        secret = request.match_info["secret"]
        webhook = self._state.webhooks.get(webhook_id)
        trace = Trace(WEBHOOK, team=team, token=fingerprint(secret))
        if webhook:
            trace.asked = webhook.channel
            trace.channel = webhook.channel if webhook.channel in self._state.channels else ""
        unreadable: Refusal | None = None
        try:
            trace.values = _decode_payload(await request.read(), request.content_type)
        except Refusal as refusal:
            unreadable = refusal

        def answer(injected: str) -> Answer:
            try:
                if unreadable:
                    raise unreadable
                if injected:
                    raise Refusal(injected)
                trace.ts = self._post(self._find(team, webhook, secret), trace.values)
            except Refusal as refusal:
                self._feed.refused(WEBHOOK, refusal, trace.channel, trace.asked)
                return _refuse(refusal)
            return Answer("ok", b"ok", content_type="text/html")

        return await self._exchange.carry_out(request, trace, answer)

    def _find(self, team: str, webhook: Webhook | None, secret: str) -> Webhook:
        if team not in self._state.teams:
            raise Refusal("no_team")
        if webhook is None or webhook.team != team or not webhook.enabled:
            raise Refusal("no_service")
        if not hmac.compare_digest(webhook.secret.encode(), secret.encode()):
            raise Refusal("invalid_token")
        return webhook

    def _post(self, webhook: Webhook, payload: Mapping[str, Any]) -> str:
        """Post the payload and return its ts, which Slack keeps from the sender."""
        channel = self._state.channels.get(webhook.channel)
        if channel is None:
            raise Refusal("channel_not_found")
        if channel.archived:
            raise Refusal("channel_is_archived")
        retry_after_seconds = self._limits.take(WEBHOOK, webhook.team, channel.id)
        if retry_after_seconds:
            raise RateLimited(retry_after_seconds)
        content = read_content(payload)
        thread_ts = str(payload.get("thread_ts") or "")
        if thread_ts and not TS_SHAPE.fullmatch(thread_ts):
            raise Refusal("invalid_thread_ts")
        message = Message(
            ts=self._state.timeline(channel.id).next_ts(time.time()),
            channel=channel.id,
            team=webhook.team,
            author=Author(user="", bot_id=webhook.id, app_id="", name=webhook.name),
            text=content.text or "",
            blocks=pack(content.blocks),
            attachments=pack(content.attachments),
            thread_ts=thread_ts,
        )
        self._state.add(message)
        return message.ts


def _decode_payload(body: bytes, content_type: str) -> Mapping[str, Any]:
    """The JSON object in a body or in its `payload` field. Errors: invalid_payload."""
    try:
        if content_type == "application/x-www-form-urlencoded":
            body = parse_qs(body.decode()).get("payload", [""])[0].encode()
        return decode_object(body)
    except (Refusal, UnicodeDecodeError):
        raise Refusal("invalid_payload") from None


def _refuse(refusal: Refusal) -> Answer:
    if isinstance(refusal, RateLimited):
        headers = {"Retry-After": str(refusal.retry_after_seconds)}
        return Answer(refusal.code, b"rate_limited", 429, headers, "text/plain")
    status = _STATUSES.get(refusal.code, _BAD_REQUEST)
    return Answer(refusal.code, refusal.code.encode(), status, content_type="text/html")

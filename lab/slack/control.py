"""The control API under `/_lab/`: change workspace, limits and faults, read messages and journal.

Comes in: HTTP requests from tests, fault runs and the demo. Goes out: JSON; HTTP 400 with
`{"error": sentence}` for a request that makes no sense. Not part of Slack, so not limited or
journaled.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec
from aiohttp import web

from lab.slack.errors import BadControl
from lab.slack.faults import Fault, FaultPlan
from lab.slack.feed import Feed
from lab.slack.journal import Journal
from lab.slack.limits import Limits, Rule
from lab.slack.messages import Message
from lab.slack.state import State
from lab.slack.workspace import Channel, Team, Token, User, Webhook, Workspace

Record = Team | User | Token | Channel | Webhook
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_MODELS: Final[Mapping[str, type[Record]]] = {
    "teams": Team,
    "users": User,
    "tokens": Token,
    "channels": Channel,
    "webhooks": Webhook,
}
STREAM_CHUNK_BYTES: Final = 1 << 18


class LimitsChange(msgspec.Struct, forbid_unknown_fields=True):
    """A change of the rate limits: `rules` by method (`webhook` for webhooks); others stay."""

    enabled: bool | None = None
    rules: dict[str, Rule] = {}


class Control:
    """Serves the control API."""

    def __init__(
        self, state: State, limits: Limits, faults: FaultPlan, journal: Journal, feed: Feed
    ) -> None:
        self._state = state
        self._limits = limits
        self._faults = faults
        self._journal = journal
        self._feed = feed

    def routes(self) -> list[web.AbstractRouteDef]:
        """The control API's routes."""
        return [
            web.post("/_lab/{kind:teams|users|tokens|channels|webhooks}", guarded(self.put)),
            web.get("/_lab/limits", guarded(self.show_limits)),
            web.post("/_lab/limits", guarded(self.change_limits)),
            web.get("/_lab/faults", guarded(self.show_faults)),
            web.post("/_lab/faults", guarded(self.add_faults)),
            web.delete("/_lab/faults", guarded(self.clear_faults)),
            web.get("/_lab/messages", guarded(self.show_messages)),
            web.delete("/_lab/messages", guarded(self.delete_message)),
            web.post("/_lab/reset", guarded(self.reset)),
            web.get("/_lab/journal", guarded(self.stream_journal)),
            web.get("/_lab/journal/flush", guarded(self.flush_journal)),
        ]

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Add records, or change the given fields of known ones. Body: an object or a list."""
        body = _decode(await request.read(), list[dict[str, Any]] | dict[str, Any])
        records = [body] if isinstance(body, dict) else body
        for record in [self._merge(request.match_info["kind"], given) for given in records]:
            self._state.put(record)
        self._feed.changed_workspace()
        return _reply({"ok": True, "records": len(records)})

    async def show_limits(self, _request: web.Request) -> web.StreamResponse:
        """The limits in force, in the form in which they are changed."""
        return _reply({"enabled": self._limits.enabled, "rules": self._limits.rules})

    async def change_limits(self, request: web.Request) -> web.StreamResponse:
        """Change limits; all buckets are full again."""
        change = _decode(await request.read(), LimitsChange)
        self._limits.configure(change.rules, enabled=change.enabled)
        return await self.show_limits(request)

    async def show_faults(self, _request: web.Request) -> web.StreamResponse:
        """The faults still to come."""
        return _reply({"faults": self._faults.planned})

    async def add_faults(self, request: web.Request) -> web.StreamResponse:
        """Add a list of faults behind those still to come."""
        self._faults.add(*_decode(await request.read(), list[Fault]))
        return await self.show_faults(request)

    async def clear_faults(self, request: web.Request) -> web.StreamResponse:
        """No more faults."""
        self._faults.clear()
        return await self.show_faults(request)

    async def show_messages(self, request: web.Request) -> web.StreamResponse:
        """A channel's messages (by ID, or name if only one team has it) as they now stand."""
        return _reply(show_channel(self._state, self._find_channel(request)))

    async def delete_message(self, request: web.Request) -> web.StreamResponse:
        """Delete a message as a person would, by `channel` and `ts`."""
        channel = self._find_channel(request)
        if not self._state.delete(channel.id, request.query.get("ts", "")):
            raise BadControl("ts names no message of that channel")
        return _reply({"ok": True})

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Start over: no messages, faults or journal, limits as at the start.

        Body: empty for the workspace of the start, or another workspace.
        """
        body = await request.read()
        workspace = _decode(body, Workspace) if body else None
        if workspace:
            workspace.check()
        self._state.reset(workspace)
        self._limits.reset()
        self._faults.clear()
        self._journal.clear()
        self._feed.clear()
        self._feed.changed_workspace()
        return _reply({"ok": True})

    async def flush_journal(self, _request: web.Request) -> web.StreamResponse:
        """Write what the journal still buffers."""
        self._journal.flush()
        return _reply({"ok": True, "bytes": self._journal.path.stat().st_size})

    async def stream_journal(self, request: web.Request) -> web.StreamResponse:
        """The journal up to now, one JSON object a line."""
        self._journal.flush()
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        with self._journal.path.open("rb") as file:
            while chunk := file.read(STREAM_CHUNK_BYTES):
                await response.write(chunk)
        return response

    def _find_channel(self, request: web.Request) -> Channel:
        asked = request.query.get("channel", "")
        for team in self._state.teams:
            channel = self._state.find_channel(team, asked)
            if channel:
                return channel
        raise BadControl(f"no channel has the ID or name {asked!r}")

    def _merge(self, kind: str, given: dict[str, Any]) -> Record:
        """The record that exists, or a new one, with the fields given."""
        model = _MODELS[kind]
        known: Mapping[str, Record] = getattr(self._state, kind)
        before = known.get(str(given.get("token" if model is Token else "id")))
        kept: dict[str, Any] = msgspec.to_builtins(before) if before else {}
        record = msgspec.convert(kept | given, model)
        if not isinstance(record, Team) and record.team not in self._state.teams:
            raise BadControl(f"no team has the ID {record.team!r}")
        return record


def show_channel(state: State, channel: Channel) -> dict[str, Any]:
    """A channel's messages, oldest first, replies within their parents.

    A reply whose parent is deleted, forgotten or never was stands among the messages, with its
    `thread_ts`. Keys of a message: ts, author, bot_id, text, blocks, attachments, metadata,
    edited, thread_ts, broadcast, replies.
    """
    timeline = state.timeline(channel.id)
    return {
        "channel": channel.id,
        "name": channel.name,
        "messages": [
            _show(message) | {"replies": [_show(reply) for reply in timeline.replies(message.ts)]}
            for message in timeline
            if not message.thread_ts or timeline.get(message.thread_ts) is None
        ],
    }


def guarded(handler: Handler) -> Handler:
    """The handler, with what makes no sense answered as HTTP 400 and a sentence."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except (BadControl, ValueError) as error:
            return _reply({"error": str(error)}, status=400)

    return answer


def _show(message: Message) -> dict[str, Any]:
    return {
        "ts": message.ts,
        "author": message.author.username or message.author.name,
        "bot_id": message.author.bot_id,
        "text": message.text,
        "blocks": message.blocks or [],
        "attachments": message.attachments or [],
        "metadata": message.metadata,
        "edited": bool(message.edited_ts),
        "thread_ts": message.thread_ts,
        "broadcast": message.broadcast,
    }


def _decode(body: bytes, model: Any) -> Any:
    """The body as `model`. Errors: msgspec's, which say what is wrong and where."""
    return msgspec.json.decode(body, type=model)


def _reply(content: dict[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(content), status=status, content_type="application/json"
    )

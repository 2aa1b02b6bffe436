"""What Web API and webhooks share: the answer on the wire, injected faults, the journal line.

Comes in: an aiohttp request and a function that answers it. Goes out: the response, or a closed
connection, and one `Entry` in the journal either way. Used by `web_api` and `webhooks`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from lab.slack.faults import Fault, FaultPlan
from lab.slack.journal import Entry, Journal
from lab.slack.state import State

_HTML: Final = (
    b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>"
    b"<body><h1>Server Error</h1><p>Please try again in 30 seconds.</p></body></html>"
)
_SILENT: Final = frozenset({"timeout", "drop_before", "drop_after"})
_BEFORE_ACCEPTING: Final = frozenset({"status", "timeout", "drop_before"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer ready to send. `outcome` is what the journal says of it: `ok` or the error code."""

    outcome: str
    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(slots=True)
class Trace:
    """What the journal is to say of a request, filled in as it becomes known."""

    method: str
    asked: str = ""
    token: str = ""
    team: str = ""
    channel: str = ""
    ts: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


class Exchange:
    """Carries out requests: draws their fault, sends their answer, journals both."""

    def __init__(self, state: State, faults: FaultPlan, journal: Journal) -> None:
        self._state = state
        self._faults = faults
        self._journal = journal
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let go of the requests that are never to be answered."""
        self._stopping.set()

    async def carry_out(
        self, request: web.Request, trace: Trace, answer: Callable[[str], Answer]
    ) -> web.StreamResponse:
        """Answer a request whose arguments have been read.

        `answer` is called with the error code to refuse with, empty for none; it must not await, so
        that requests take effect one after another.
        """
        at, started = time.time(), time.perf_counter()
        fault = self._draw(trace)
        if fault and fault.kind == "delay":
            await asyncio.sleep(fault.delay_seconds)
        if fault and fault.kind in _BEFORE_ACCEPTING:
            given = _instead(fault)
        else:
            given = answer(fault.error if fault and fault.kind == "error" else "")
        self._record(at, round(time.perf_counter() - started, 6), trace, given, fault)
        if fault and fault.kind == "timeout":
            await self._stopping.wait()
        if fault and fault.kind in _SILENT and request.transport is not None:
            request.transport.close()
        return web.Response(
            body=given.body,
            status=given.status,
            headers=given.headers,
            content_type=given.content_type,
        )

    def _record(
        self, at: float, duration_seconds: float, trace: Trace, given: Answer, fault: Fault | None
    ) -> None:
        silent = fault is not None and fault.kind in _SILENT
        self._journal.record(
            Entry(
                at=at,
                method=trace.method,
                answer=given.outcome,
                status=0 if silent else given.status,
                duration_seconds=duration_seconds,
                token=trace.token,
                team=trace.team,
                channel=trace.channel,
                asked=trace.asked,
                ts=trace.ts,
                fault=fault.kind if fault else "",
                **_content(trace.values),
            )
        )

    def _draw(self, trace: Trace) -> Fault | None:
        if not self._faults:
            return None
        names = {trace.asked.removeprefix("#")}
        if trace.channel:
            names |= {trace.channel, self._state.channels[trace.channel].name}
        return self._faults.draw(trace.method, frozenset(names))


def _instead(fault: Fault) -> Answer:
    """What a request gets that is not looked at."""
    if fault.kind == "timeout":
        return Answer("unanswered", b"", 504)
    if fault.kind == "drop_before":
        return Answer("dropped", b"", 503)
    outcome = f"http {fault.status}"
    if fault.status == 429:
        headers = {"Retry-After": str(fault.retry_after_seconds)}
        return Answer(outcome, b'{"ok":false,"error":"ratelimited"}', 429, headers)
    if fault.status == 502:
        return Answer(outcome, _HTML, 502, content_type="text/html")
    return Answer(outcome, b"", fault.status, content_type="text/plain")


def _content(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the journal that hold the request's own words."""
    text = values.get("text")
    return {
        "text": text if isinstance(text, str) else None,
        "blocks": values.get("blocks"),
        "attachments": values.get("attachments"),
        "metadata": values.get("metadata"),
        "thread_ts": str(values.get("thread_ts") or ""),
        "reply_broadcast": str(values.get("reply_broadcast", "")).lower() in ("true", "1"),
    }

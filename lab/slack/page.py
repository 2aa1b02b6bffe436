"""The page at `/`: its files, its snapshot and its stream of events.

Comes in: a browser. Goes out: the files in `page/`, which load nothing from elsewhere (the content
security policy says so), and the `feed`.
"""

import asyncio
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from lab.slack.feed import Feed

FILES: Final = Path(__file__).with_name("page")
KEEP_ALIVE_SECONDS: Final = 15.0
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Page:
    """Serves the page and keeps it up to date."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._stopping = asyncio.Event()

    def routes(self) -> list[web.AbstractRouteDef]:
        """The page's routes."""
        return [
            web.get("/", self.index),
            web.static("/page", FILES),
            web.get("/_lab/snapshot", self.snapshot),
            web.get("/_lab/events", self.events),
        ]

    def stop(self) -> None:
        """End the event streams."""
        self._stopping.set()

    async def index(self, _request: web.Request) -> web.StreamResponse:
        """The document; everything else it asks for itself."""
        headers = {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        return web.FileResponse(FILES / "index.html", headers=headers)

    async def snapshot(self, _request: web.Request) -> web.StreamResponse:
        """Everything that the page shows, as of now."""
        return web.Response(body=self._feed.snapshot(), content_type="application/json")

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Changes from now on, as server-sent events of one JSON object each."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        stopping: asyncio.Task[Any] = asyncio.create_task(self._stopping.wait())
        try:
            async with self._feed.listen() as queue:
                await response.write(b": listening\n\n")
                while not stopping.done():
                    await response.write(await _next_chunk(queue, stopping))
        except ConnectionError:
            return response
        finally:
            stopping.cancel()
        return response


async def _next_chunk(queue: asyncio.Queue[bytes], stopping: asyncio.Task[Any]) -> bytes:
    """All events that wait, or a comment that keeps the connection alive when none comes."""
    waiting = asyncio.create_task(queue.get())
    both: set[asyncio.Task[Any]] = {waiting, stopping}
    await asyncio.wait(both, timeout=KEEP_ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not waiting.done():
        waiting.cancel()
        return b": still here\n\n"
    events = [waiting.result()]
    while not queue.empty():
        events.append(queue.get_nowait())
    return b"".join(b"data: " + event + b"\n\n" for event in events)

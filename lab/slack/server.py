"""The stand-in put together: one HTTP server on 127.0.0.1 for all that it serves.

Used as `async with StandIn(workspace, journal_path) as slack:` by tests, and by `__main__` as a
process.
"""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from lab.slack.control import Control
from lab.slack.exchange import Exchange
from lab.slack.faults import FaultPlan
from lab.slack.feed import Feed
from lab.slack.journal import Journal
from lab.slack.limits import Limits
from lab.slack.page import Page
from lab.slack.state import DEFAULT_KEPT_MESSAGES, State
from lab.slack.web_api import WebApi
from lab.slack.webhooks import Webhooks
from lab.slack.workspace import Workspace

HOST: Final = "127.0.0.1"
MAX_BODY_BYTES: Final = 8 << 20
SHUTDOWN_SECONDS: Final = 1.0


class StandIn:
    """A stand-in for Slack. Its parts are public for tests that run in the same process."""

    def __init__(
        self,
        workspace: Workspace,
        journal_path: Path,
        *,
        port: int = 0,
        limits: Limits | None = None,
        kept_messages: int = DEFAULT_KEPT_MESSAGES,
    ) -> None:
        """`port` 0 takes a free one; `kept_messages`: how many messages keep their content."""
        self.state = State(workspace, kept_messages=kept_messages)
        self.limits = limits or Limits()
        self.faults = FaultPlan()
        self.journal_path = journal_path
        self._port = port
        self._runner: web.AppRunner | None = None
        self._journal: Journal | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end. Valid while the server runs."""
        return f"http://{HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        """The Web API's base URL, as slack_sdk's `base_url` wants it."""
        return f"{self.url}/api/"

    def webhook_url(self, webhook_id: str) -> str:
        """The URL of a webhook. Errors: KeyError for an unknown one."""
        webhook = self.state.webhooks[webhook_id]
        return f"{self.url}/services/{webhook.team}/{webhook.id}/{webhook.secret}"

    def flush(self) -> None:
        """Write what the journal still buffers."""
        if self._journal:
            self._journal.flush()

    async def __aenter__(self) -> Self:
        self._journal = Journal(self.journal_path)
        self._runner = web.AppRunner(
            self._build(self._journal), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner:
            await self._runner.cleanup()
        if self._journal:
            self._journal.close()

    def _build(self, journal: Journal) -> web.Application:
        feed = Feed(self.state)
        exchange = Exchange(self.state, self.faults, journal)
        web_api = WebApi(self.state, self.limits, exchange, feed)
        webhooks = Webhooks(self.state, self.limits, exchange, feed)
        page = Page(feed)
        control = Control(self.state, self.limits, self.faults, journal, feed)

        async def let_go(_app: web.Application) -> None:
            exchange.stop()
            page.stop()

        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/api/{method}", web_api.handle),
                web.get("/api/{method}", web_api.handle),
                web.post("/services/{team}/{webhook}/{secret}", webhooks.handle),
                *page.routes(),
                *control.routes(),
            ]
        )
        app.on_shutdown.append(let_go)
        return app

"""The composition root: makes every part, binds ports to adapters, and runs it all in one loop.

Nothing else knows how the parts are put together; nothing here decides anything.
"""

import asyncio
import signal
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from importlib.metadata import version
from typing import Any, Final

import structlog
from prometheus_client import CollectorRegistry

from tocsin.adapters.kube import KubeApi
from tocsin.adapters.slack import SlackWebApi
from tocsin.adapters.store import SqlStore, open_store
from tocsin.edge.alerts import AlertsEndpoint
from tocsin.edge.authentication import Anyone, BearerTokens
from tocsin.edge.http import Gateway, routes
from tocsin.edge.logs import set_up_logs
from tocsin.edge.metrics import Metrics
from tocsin.edge.probes import Probes
from tocsin.edge.reception import Reception
from tocsin.edge.server import HttpServer
from tocsin.edge.watching import Watching
from tocsin.model.reading import ReadingContext
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.destinations import Destinations
from tocsin.pipeline.dispatcher import Dispatcher, Flow
from tocsin.pipeline.findings import Findings
from tocsin.pipeline.inbox import Inflow
from tocsin.pipeline.intake import Intake
from tocsin.pipeline.pacing import SlackPacer
from tocsin.pipeline.readers import READERS
from tocsin.pipeline.reconciler import Reconciler
from tocsin.pipeline.resource_cache import ResourceCache
from tocsin.pipeline.resource_mirror import ResourceMirror
from tocsin.pipeline.sending import Outside
from tocsin.pipeline.session import Scope
from tocsin.pipeline.snapshot_feed import SnapshotFeed
from tocsin.pipeline.status_writer import StatusWriter
from tocsin.pipeline.workspaces import Workspaces
from tocsin.settings import Settings, proxies_from_environment

_DAY_SECONDS: Final = 24 * 3600.0
_PRUNE_SECONDS: Final = 60.0

_log: structlog.stdlib.BoundLogger = structlog.get_logger("tocsin")


def serve(settings: Settings) -> None:
    """Run the operator until SIGTERM or SIGINT; then finish what is in flight."""
    set_up_logs(settings.log_level, settings.log_format)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        store = await open_store(
            settings.database_url,
            max_backlog_bytes=settings.max_backlog_bytes,
            min_free_bytes=settings.min_free_bytes,
            decision_seconds=settings.decision_days * _DAY_SECONDS,
        )
        stack.push_async_callback(store.close)
        slack = SlackWebApi(proxies_from_environment())
        stack.push_async_callback(slack.close)
        kube = KubeApi(settings.kubeconfig)
        stack.push_async_callback(kube.close)
        await _Operator(settings, store, slack, kube).run(stopping)


class _Operator:
    """All parts, made in the order in which they need each other."""

    def __init__(
        self, settings: Settings, store: SqlStore, slack: SlackWebApi, kube: KubeApi
    ) -> None:
        self._store = store
        self.metrics = Metrics(CollectorRegistry(), version("tocsin"))
        workspaces = Workspaces(slack, kube, settings.allowed_slack_hosts, settings.allowed_proxies)
        directory = ChannelDirectory(slack)
        intake = Intake(store, self.metrics)
        cache = ResourceCache()

        self.writer = StatusWriter(kube, lambda *asked: findings.describe(*asked))
        outside = Outside(
            store=store,
            slack=slack,
            pacer=SlackPacer(settings.posts_per_second, settings.edits_per_minute, time.monotonic),
            destinations=Destinations(workspaces, directory),
            workspaces=workspaces,
            directory=directory,
            statuses=self.writer,
            telemetry=self.metrics,
            suspected=lambda config: self.reconciler.suspected(config),
            horizon_seconds=settings.delivery_horizon_seconds,
        )
        self.dispatcher = Dispatcher(outside, _flow(settings, intake))
        findings = Findings(cache, self.dispatcher)
        feed = SnapshotFeed(self.dispatcher, cache.snapshot)
        self.reconciler = Reconciler(cache, feed, workspaces, directory, findings, self.writer)
        self.mirror = ResourceMirror(kube, cache, self.reconciler)
        self.watching = Watching(self.mirror, settings.kubeconfig)
        self.server = _server(settings, intake, store, self.metrics)
        self.metrics.watch_store(store.backlog, store.can_store, time.time)
        self.metrics.watch_memory(self.dispatcher.counts)

    async def run(self, stopping: asyncio.Event) -> None:
        """Run until `stopping`: then take nothing in any more, and let deliveries finish."""
        await self.dispatcher.prepare()
        await self.server.start()
        _log.info("listening", port=self.server.port)
        dispatching = asyncio.create_task(self.dispatcher.run())
        others: list[Coroutine[Any, Any, Any]] = [
            self.writer.run(),
            self.reconciler.run(),
            self.mirror.run(),
            self.watching.run(),
            self._prune(),
        ]
        tasks = [asyncio.create_task(each) for each in others]
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait([stop, dispatching, *tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
            _log.info("stopping")
            await self.server.stop()
            self.dispatcher.stop()
            await asyncio.wait([dispatching])
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(dispatching, *tasks, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):
                raise result

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(_PRUNE_SECONDS)
            await self._store.prune(time.time())


def _flow(settings: Settings, intake: Intake) -> Flow:
    context = ReadingContext(
        settings.cluster, frozenset(settings.replica_labels), settings.resolve_timeout_seconds
    )
    inflow = Inflow(
        readers=READERS,
        context=context,
        refused_at=lambda: intake.refused_at,
        resend_seconds=settings.resend_interval_seconds,
    )
    scope = Scope(settings.platforms, settings.cluster)
    return Flow(inflow, scope, is_intake_busy=lambda: intake.in_flight > 1)


def _server(settings: Settings, intake: Intake, store: SqlStore, metrics: Metrics) -> HttpServer:
    authentication = (
        Anyone() if settings.ingest_auth == "none" else BearerTokens(settings.ingest_token_file)
    )
    reception = Reception(authentication, settings.max_body_bytes)
    alerts = AlertsEndpoint(intake, reception, metrics, settings.resolve_timeout_seconds)
    gateway = Gateway(routes(alerts, Probes(store.can_store), metrics), metrics)
    return HttpServer(gateway, settings.listen_host, settings.listen_port, settings.max_connections)

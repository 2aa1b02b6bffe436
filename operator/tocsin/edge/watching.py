"""Watches our resources by kopf, in a thread and an event loop of its own, and starts it over.

In: watch events of the API server. Out: calls of the observer on the event loop that runs `run`.
Whatever ends kopf (an ERROR event, a kind that vanished, a failed login) must end neither the
process nor the watching.
"""

import asyncio
import logging
import random
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Never, Protocol

import kopf
import structlog

from tocsin.edge.handlers import Observe, register
from tocsin.model.object_key import Kind
from tocsin.redact import redact

_RESTART_SECONDS: Final = (1.0, 30.0)
_HEALTHY_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 0.3
_FAREWELL_SECONDS: Final = 0.2
"""For connections to end as TLS wants them to; cut off, they would be leaked."""
_STOP_SECONDS: Final = 5.0
_LONGEST_BACKOFF_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class Observer(Protocol):
    """Who takes watch events, on its own event loop; `rewatch` asks for watches to begin anew."""

    rewatch: asyncio.Event

    def observe(self, kind: Kind, change: str | None, body: Mapping[str, Any]) -> None:
        """Take one watch event and return at once."""
        ...


class CappedBackoff:
    """Delays between a call's tries, doubling from 1 s to the cap, shortened at random; endless.

    Endless since kopf gives up the whole operator once delays run out, also for a 403 or a 503 that
    may last for hours; iterable any number of times, since each call begins anew.
    """

    def __iter__(self) -> Iterator[float]:
        seconds = 1.0
        while True:
            yield seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
            seconds = min(2 * seconds, _LONGEST_BACKOFF_SECONDS)


def settings() -> kopf.OperatorSettings:
    """Return kopf's settings, each of which matters; the comments say why."""
    chosen = kopf.OperatorSettings()
    chosen.process.ultimate_exiting_timeout = None  # it would SIGKILL the process that goes on
    chosen.peering.standalone = True  # no look-out for peers
    chosen.posting.enabled = False  # k8s events are our own
    chosen.queueing.worker_limit = None  # a limited worker keeps its place while it idles
    chosen.queueing.idle_timeout = 0.05  # a task for each object, but not for 5 s
    chosen.queueing.exit_timeout = 0.5
    chosen.queueing.error_delays = (1, 2, 5, 10, 30, 60)
    chosen.watching.chunk_size = 500
    chosen.watching.server_timeout = 300  # an int: "300.0" is no valid timeoutSeconds
    chosen.watching.inactivity_timeout = 70  # bookmarks come each 60 s
    chosen.networking.request_timeout = 60
    chosen.networking.connect_timeout = 10
    chosen.networking.error_backoffs = CappedBackoff()
    chosen.networking.enforce_retry_after = True
    chosen.networking.trust_env = True
    chosen.persistence.finalizer = "tocsin.dev/unused"  # none is ever set
    return chosen


class _Run:
    """One life of kopf in a thread; `ended` is set on the event loop that made it."""

    def __init__(self, observe: Observe, kubeconfig: Path | None) -> None:
        self.ended = asyncio.Event()
        self.error: BaseException | None = None
        self._observe = observe
        self._kubeconfig = kubeconfig
        self._main_loop = asyncio.get_running_loop()
        self._own_loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        # A daemon: should kopf ever hang, the process can still end.
        threading.Thread(target=self._live, name="kopf", daemon=True).start()

    def stop(self) -> None:
        """Ask kopf to end, which takes some milliseconds."""
        self._call(self._own_loop, self._stopping.set)

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._own_loop) as runner:
                runner.run(self._operate())
        except BaseException as error:  # of any kind: the supervisor decides, this thread only ends
            self.error = error
        finally:
            self._call(self._main_loop, self.ended.set)

    async def _operate(self) -> None:
        registry = kopf.OperatorRegistry()
        register(registry, self._hand_over, self._kubeconfig)
        operator = asyncio.create_task(
            kopf.operator(
                registry=registry,
                settings=settings(),
                clusterwide=True,
                standalone=True,
                stop_flag=self._stopping,
            )
        )
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({operator, stopping}, return_when=asyncio.FIRST_COMPLETED)
        # While the API server is away, kopf has calls to retry, for which it would wait 5 s.
        await asyncio.wait({operator}, timeout=_GRACE_SECONDS)
        operator.cancel()
        try:
            await asyncio.gather(operator, return_exceptions=self._stopping.is_set())
        finally:
            await asyncio.sleep(_FAREWELL_SECONDS)

    def _hand_over(self, kind: Kind, change: str | None, body: Mapping[str, Any]) -> None:
        if not self._stopping.is_set():
            self._call(self._main_loop, self._observe, kind, change, body)

    @staticmethod
    def _call(loop: asyncio.AbstractEventLoop, *call: Any) -> None:
        try:
            loop.call_soon_threadsafe(*call)
        except RuntimeError:  # that loop is closed: there is nobody to tell any more
            return


class Watching:
    """The supervisor of kopf."""

    def __init__(self, observer: Observer, kubeconfig: Path | None) -> None:
        self._observer = observer
        self._kubeconfig = kubeconfig

    async def run(self) -> Never:
        """Watch until cancelled; then kopf ends in less than a second."""
        _quieten_kopf()
        delay_seconds, longest_seconds = _RESTART_SECONDS
        while True:
            started_at = asyncio.get_running_loop().time()
            await self._live_once()
            if asyncio.get_running_loop().time() - started_at > _HEALTHY_SECONDS:
                delay_seconds = _RESTART_SECONDS[0]
            await asyncio.sleep(delay_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            delay_seconds = min(2 * delay_seconds, longest_seconds)

    async def _live_once(self) -> None:
        """Run kopf until it ends, or until the observer asks for new watches."""
        self._observer.rewatch.clear()
        kopf_run = _Run(self._observer.observe, self._kubeconfig)
        ended = asyncio.create_task(kopf_run.ended.wait())
        rewatch = asyncio.create_task(self._observer.rewatch.wait())
        try:
            await asyncio.wait({ended, rewatch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            rewatch.cancel()
            kopf_run.stop()
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await ended
            except TimeoutError:
                _log.error("watching does not end; its thread is left behind")
        if kopf_run.error is not None:
            _log.warning("watching ended, starting over", error=redact(repr(kopf_run.error)))


def _quieten_kopf() -> None:
    """Keep from the log what kopf says of each object, and of signals, which are not its business.

    Setting this twice changes nothing.
    """
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    logging.getLogger("kopf._core.reactor.running").addFilter(_is_worth_logging)


def _is_worth_logging(record: logging.LogRecord) -> bool:
    return "OS signals are ignored" not in record.getMessage()

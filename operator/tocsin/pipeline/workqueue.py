"""A keyed work queue: one key, one worker; the newest state wins; failures are tried again.

In: keys, at once or after a delay. Out: calls of `work(key)`, which reads the state that the key
stands for when it runs, so that any number of changes before it are one run. Used by the
reconciler, the resource mirror and the status writer. Follows client-go's `util/workqueue`.
"""

import asyncio
import heapq
import itertools
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, Never, TypeVar

import structlog

from tocsin.errors import TocsinError
from tocsin.redact import redact

_SHORTEST_BACKOFF_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Runs `work` for each key that is due, never twice at a time for the same key.

    `work` returns after how many seconds the key is due again, None for not before it is added.
    If it raises, the key is due after a back-off that doubles from 1 s up to
    `longest_backoff_seconds`, each time shortened by up to half at random (`draw` gives 0 to 1), so
    that keys that failed together do not come back together. At most `workers` run at one time.
    """

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        *,
        workers: int = 8,
        longest_backoff_seconds: float = 60.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._work = work
        self._workers = workers
        self._longest_backoff_seconds = longest_backoff_seconds
        self._draw = draw
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = itertools.count()
        self._running: set[K] = set()
        self._failures: dict[K, int] = {}
        self._woken = asyncio.Event()

    def add(self, key: K, delay_seconds: float = 0.0) -> None:
        """Make `key` due in `delay_seconds`, unless it is due earlier already.

        A key that runs meanwhile runs again afterwards.
        """
        due = asyncio.get_running_loop().time() + delay_seconds
        if key not in self._due or due < self._due[key]:
            self._due[key] = due
            if key not in self._running:
                self._schedule(key)

    def forget(self, key: K) -> None:
        """Drop what is due for `key`, and how often it failed; a run under way is let finish."""
        self._due.pop(key, None)
        self._failures.pop(key, None)

    async def run(self) -> Never:
        """Do the work until cancelled."""
        async with asyncio.TaskGroup() as running:
            while True:
                key = await self._next()
                del self._due[key]
                self._running.add(key)
                running.create_task(self._run_once(key))

    def _schedule(self, key: K) -> None:
        heapq.heappush(self._heap, (self._due[key], next(self._order), key))
        self._woken.set()

    async def _next(self) -> K:
        """Return the key that has been due for longest, once a worker is free for it."""
        while True:
            self._woken.clear()
            wait_seconds = None
            while self._heap and len(self._running) < self._workers:
                due, _, key = self._heap[0]
                is_current = self._due.get(key) == due and key not in self._running
                if is_current and (wait_seconds := self._seconds_until(due)) > 0:
                    break
                heapq.heappop(self._heap)
                if is_current:
                    return key
            await self._wait(wait_seconds)

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return

    def _seconds_until(self, due: float) -> float:
        return due - asyncio.get_running_loop().time()

    async def _run_once(self, key: K) -> None:
        try:
            delay_seconds = await self._work(key)
        except TocsinError as error:
            delay_seconds = self._backoff_seconds(key)
            _log.warning("will be tried again", key=str(key), error=redact(str(error)))
        except Exception:  # a defect: it must not stop the other keys, nor this one for good
            delay_seconds = self._backoff_seconds(key)
            _log.exception("failed, will be tried again", key=str(key))
        else:
            self._failures.pop(key, None)
        if delay_seconds is not None:
            self.add(key, delay_seconds)
        self._running.discard(key)
        if key in self._due:
            self._schedule(key)
        self._woken.set()  # a worker is free

    def _backoff_seconds(self, key: K) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        doubled = _SHORTEST_BACKOFF_SECONDS * 2.0 ** min(failures - 1, 30)
        return min(doubled, self._longest_backoff_seconds) * (1 - self._draw() / 2)

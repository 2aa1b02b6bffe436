"""The one writer: a thread that commits all that waits, and then tells the event loop, once.

In: changes (inbox rows, steps) and tasks (anything else on the writer's connection), from the event
loop, in any number. Out: resolved futures, in the order of submission. Used by `store`.

A commit begins the moment there is something to commit; what comes while it syncs shares the next.
Statements run in this thread too: running them on the event loop and only the sync here, or as
statements of many rows to give up the interpreter lock less often, measured the same within noise.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy.engine import Connection

from tocsin.adapters.store_link import Link
from tocsin.adapters.store_transactions import Change, Fate, Transactions
from tocsin.errors import StoreUnavailable
from tocsin.model.records import InboxRow, Step

_T = TypeVar("_T")

_BATCH_BYTES: Final = 16 * 2**20
"""Payloads in one transaction, about; it bounds the time until the first is answered for."""
_PROBE_SECONDS: Final = 0.5
"""How often a database that does not commit is tried again by itself."""


@dataclass(slots=True, eq=False)
class _Task:
    """Work on the writer's connection in a transaction of its own, after the changes before it."""

    run: Callable[[Connection], Any]
    settle: Callable[[Any], None]
    done: asyncio.Future[Any]
    result: Any = None
    error: StoreUnavailable | None = None


class Writer:
    """Owns the thread. All methods but `failure` are for the event loop that made it.

    `probe` is a task that writes a little, `recovered` is called on the loop when the database
    commits again after it did not.
    """

    def __init__(
        self,
        link: Link,
        transactions: Transactions,
        probe: Callable[[Connection], None],
        recovered: Callable[[], None],
    ) -> None:
        self._link = link
        self._transactions = transactions
        self._probe = probe
        self._recovered = recovered
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Change | _Task | None] = SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> str:
        """Why the last transaction did not commit; empty once one has since."""
        return self._link.failure

    def submit(
        self, content: InboxRow | Step, settle: Callable[[Fate], None]
    ) -> asyncio.Future[None]:
        """Queue a change; the future raises StoreUnavailable where it is not certainly stored."""
        done: asyncio.Future[None] = self._loop.create_future()
        self._put(Change(content, settle, done))
        return done

    def run(
        self, task: Callable[[Connection], _T], settle: Callable[[_T], None]
    ) -> asyncio.Future[_T]:
        """Queue a task; `settle` gets its result on the loop before anything newer settles."""
        done: asyncio.Future[_T] = self._loop.create_future()
        self._put(_Task(task, settle, done))
        return done

    async def close(self) -> None:
        """Finish everything that was submitted, then end the thread and the connection."""
        if not self._is_closed:
            self._is_closed = True
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _put(self, work: "Change | _Task") -> None:
        if self._is_closed:
            raise StoreUnavailable("the store is closed")
        self._queue.put(work)

    # From here on: the writer's thread.

    def _serve(self) -> None:
        is_open = True
        while is_open:
            changes, tasks, is_open = self._collect()
            failure = self._link.failure
            if changes:
                self._transactions.commit(changes)
                failure = failure or self._link.failure
            for task in tasks:
                task.result, task.error = self._perform(task.run)
            if not changes and not tasks and is_open:
                self._perform(self._probe)
            has_recovered = bool(failure) and not self._link.failure
            try:
                self._loop.call_soon_threadsafe(self._tell, changes, tasks, has_recovered)
            except RuntimeError:
                break  # the event loop is closed: nobody waits any more
            self._link.maintain(is_idle=self._queue.empty())
        self._link.close()

    def _collect(self) -> tuple[list[Change], list[_Task], bool]:
        """Wait for work, then take all that waits; False at the end. Nothing: time for a probe."""
        changes: list[Change] = []
        tasks: list[_Task] = []
        size_bytes = 0
        try:
            work = self._queue.get(timeout=_PROBE_SECONDS if self._link.failure else None)
            while work is not None:
                if isinstance(work, _Task):
                    tasks.append(work)
                else:
                    changes.append(work)
                    if isinstance(work.content, InboxRow):
                        size_bytes += len(work.content.payload)
                if size_bytes >= _BATCH_BYTES:
                    return changes, tasks, True
                work = self._queue.get_nowait()
        except Empty:
            return changes, tasks, True
        return changes, tasks, False

    def _perform(self, run: Callable[[Connection], Any]) -> tuple[Any, StoreUnavailable | None]:
        try:
            connection = self._link.connection()
            with connection.begin():
                result = run(connection)
        except StoreUnavailable as error:
            return None, error
        except Exception as error:
            self._link.roll_back()
            return None, self._link.fail(error)
        self._link.failure = ""
        return result, None

    # And this on the event loop again.

    def _tell(self, changes: list[Change], tasks: list[_Task], has_recovered: bool) -> None:
        """Settle a batch: first what memory makes of it, then those who wait."""
        for change in changes:
            change.settle(change.fate)
        for task in tasks:
            if task.error is None:
                task.settle(task.result)
        settled: list[Change | _Task] = [*changes, *tasks]
        for work in settled:
            if work.done.done():
                continue  # whoever waited was cancelled
            if work.error is not None:
                work.done.set_exception(work.error)
            else:
                work.done.set_result(work.result if isinstance(work, _Task) else None)
        if has_recovered:
            self._recovered()

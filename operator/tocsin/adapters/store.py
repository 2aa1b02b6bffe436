"""The store: durable state in SQL, on SQLite or PostgreSQL; implements `pipeline.ports.Store`.

::

    append, commit     ─► store_writer: one thread, group commit ─► store_transactions ─► database
    reads              ─► store_reader: one thread ─► store_reading ─► database
    pending, backlog   ─► store_inbox: memory

Opened by `app`; used by intake, the dispatcher and delivery.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tocsin.adapters.store_inbox import InboxMemory
from tocsin.adapters.store_link import Link
from tocsin.adapters.store_opening import Opened, open_database
from tocsin.adapters.store_pruning import BITE_ROWS, pruning
from tocsin.adapters.store_reader import Reader
from tocsin.adapters.store_reading import (
    read_image,
    read_inbox,
    read_seen,
    read_signals,
    read_signals_after,
    read_used_keys,
)
from tocsin.adapters.store_schema import MARKS
from tocsin.adapters.store_sqlite import free_bytes_on_disk
from tocsin.adapters.store_statements import compile_statements
from tocsin.adapters.store_transactions import Fate, Transactions
from tocsin.adapters.store_writer import Writer
from tocsin.errors import StoreUnavailable
from tocsin.model.records import Backlog, Image, InboxRow, Step
from tocsin.model.signal import SignalId

_T = TypeVar("_T")

_PROBE_BYTES: Final = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Limits:
    """When intake is refused, and what is deleted; see `open_store`."""

    max_backlog_bytes: int
    min_free_bytes: int
    decision_seconds: float


async def open_store(
    url: str,
    *,
    max_backlog_bytes: int,
    min_free_bytes: int,
    decision_seconds: float,
    clock: Callable[[], float] = time.time,
    free_bytes_of: Callable[[Path], int] = free_bytes_on_disk,
) -> "SqlStore":
    """Open the database for this process alone, upgrading its schema where it is older.

    `url` is `sqlite:////path` or `postgresql+psycopg://user@host/name`. At most `max_backlog_bytes`
    of payloads may wait; `min_free_bytes` of disk, as `free_bytes_of` its folder, are left for
    finishing what was accepted (SQLite only); decisions are kept for `decision_seconds`. `clock`
    gives seconds since the epoch.
    Raises SettingsInvalid, StoreIncompatible, or StoreUnavailable where it is worth another try.
    """
    opened = await asyncio.to_thread(open_database, url, free_bytes_of)
    return SqlStore(opened, Limits(max_backlog_bytes, min_free_bytes, decision_seconds), clock)


class SqlStore:
    """See `pipeline.ports.Store`; to be used on one event loop."""

    def __init__(self, opened: Opened, limits: Limits, clock: Callable[[], float]) -> None:
        self._backend = opened.backend
        self._limits = limits
        self._inbox = InboxMemory(opened.inbox, opened.next_inbox_id)
        link = Link(opened.backend, opened.connection)
        statements = compile_statements(opened.backend.engine.dialect)
        transactions = Transactions(opened.backend, link, statements, clock, opened.decisions_end)
        self._writer = Writer(link, transactions, _probe, self._recovered)
        self._reader = Reader(opened.backend.reading)
        self._last_step: asyncio.Future[None] | None = None
        self._is_closed = False

    async def append(self, kind: str, sender: str, payload: bytes, accepted_at: float) -> None:
        """Add an inbox row and return once it is committed; StoreUnavailable where it is not."""
        refusal = self._refusal(len(payload))
        if refusal:
            raise StoreUnavailable(refusal)
        row = self._inbox.submit(kind, sender, payload, accepted_at)
        await self._writer.submit(row, partial(self._append_settled, row))

    async def commit(self, step: Step) -> None:
        """Apply one step, which is the store's from now on; StoreUnavailable where it failed."""
        done = self._writer.submit(step, partial(self._step_settled, step))
        self._inbox.step_submitted(step)
        self._last_step = done
        await asyncio.shield(done)  # reads wait for it, whatever becomes of the caller

    async def pending(self, limit: int) -> Sequence[InboxRow]:
        """Return up to `limit` inbox rows that are present, oldest first."""
        rows = self._inbox.oldest(limit)
        if len(rows) < limit and not self._inbox.is_whole:
            await self._refill()
            rows = self._inbox.oldest(limit)
        return rows

    async def wait_for_rows(self) -> None:
        """Return when the inbox may hold rows; at once if it does."""
        await self._inbox.arrived.wait()

    def backlog(self) -> Backlog:
        """Return what waits in the inbox."""
        return self._inbox.backlog()

    async def image(self) -> Image:
        """Read everything but signals."""
        return await self._read(read_image)

    async def scan_signals(self) -> AsyncIterator[Sequence[tuple[SignalId, bytes]]]:
        """Yield all stored signals in chunks, each read in a transaction of its own."""
        place: Any = None
        while True:
            chunk, place = await self._read(partial(read_signals_after, last=place))
            if not chunk:
                return
            yield chunk

    async def signals(self, ids: Iterable[SignalId]) -> Mapping[SignalId, bytes]:
        """Return the documents of those of `ids` that exist."""
        return await self._read(partial(read_signals, ids=list(ids)))

    async def seen(self, source: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return what a source remembers under those of `keys` that exist."""
        return await self._read(partial(read_seen, source=source, keys=keys))

    async def used_keys(self, keys: Sequence[str]) -> frozenset[str]:
        """Return those idempotency keys that were used before."""
        return await self._read(partial(read_used_keys, keys=keys))

    async def prune(self, now: float) -> int:
        """Delete old decisions, keys and rejected rows in small bites; return how many."""
        deleted = 0
        for statement in pruning(now, self._limits.decision_seconds):
            bite = BITE_ROWS
            while bite == BITE_ROWS:
                bite = await self._writer.run(partial(_delete, statement=statement), _ignore)
                deleted += bite
        return deleted

    def can_store(self) -> str:
        """Return why nothing can be accepted now, empty when it can."""
        return self._refusal(1)

    async def close(self) -> None:
        """Commit what was submitted, then release everything; idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        await self._writer.close()
        await self._reader.close()
        await asyncio.to_thread(self._backend.close)

    def _refusal(self, payload_bytes: int) -> str:
        if self._is_closed:
            return "the store is closed"
        if self._writer.failure:
            return self._writer.failure
        if self._inbox.claimed_bytes + payload_bytes > self._limits.max_backlog_bytes:
            limit = _megabytes(self._limits.max_backlog_bytes)
            return f"{limit} of payloads were accepted and wait to be processed, which is the limit"
        free_bytes = self._backend.free_bytes()
        if free_bytes is not None and free_bytes < self._limits.min_free_bytes:
            return f"less than {_megabytes(self._limits.min_free_bytes)} of disk space are free"
        return ""

    async def _read(self, query: Callable[[Connection], _T]) -> _T:
        """Run a query after all steps that were submitted."""
        if self._last_step is not None and not self._last_step.done():
            await asyncio.wait([self._last_step])
        return await self._reader.read(query)

    def _append_settled(self, row: InboxRow, fate: Fate) -> None:
        self._inbox.append_settled(row, is_stored=fate is Fate.STORED)
        if fate is Fate.UNKNOWN:
            self._inbox.doubt()

    def _step_settled(self, step: Step, fate: Fate) -> None:
        self._inbox.step_settled(step, is_stored=fate is Fate.STORED)
        if fate is Fate.UNKNOWN:
            self._inbox.doubt()

    def _recovered(self) -> None:
        """The database commits again: see what it holds after commits of unknown outcome."""
        if not self._is_closed and not self._inbox.is_certain:
            self._refill().add_done_callback(_retrieve)

    def _refill(self) -> "asyncio.Future[Any]":
        inbox = self._inbox
        query = partial(read_inbox, skip=inbox.hidden, with_sums=not inbox.is_certain)
        return self._writer.run(query, inbox.refill)


def _probe(connection: Connection) -> None:
    """Write a little and take it back in the same transaction, as an append would."""
    name = "store-probe"
    connection.execute(sa.insert(MARKS).values(name=name, document=bytes(_PROBE_BYTES)))
    connection.execute(sa.delete(MARKS).where(MARKS.c.name == name))


def _delete(connection: Connection, statement: sa.Delete) -> int:
    return connection.execute(statement).rowcount


def _ignore(_: object) -> None:
    """Memory makes nothing of it."""


def _retrieve(done: "asyncio.Future[Any]") -> None:
    """Look at a result that nobody waits for; the next recovery tries again."""
    if not done.cancelled():
        done.exception()


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.0f} MB"

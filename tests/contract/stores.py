"""Opens stores, fills them, and looks behind them; for the tests of the store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from tocsin.adapters.store import SqlStore, open_store
from tocsin.model.group import Group, GroupId, OutboxEntry
from tocsin.model.records import InboxRow, Step
from tocsin.model.signal import SignalId

DAY = 86400.0
NOW = 1_800_000_000.0
DEFAULTS: dict[str, Any] = {
    "max_backlog_bytes": 2**30,
    "min_free_bytes": 0,
    "decision_seconds": 7 * DAY,
}


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.db'}"


@asynccontextmanager
async def opened(url: str, **settings: Any) -> AsyncIterator[SqlStore]:
    store = await open_store(url, **{**DEFAULTS, **settings})
    try:
        yield store
    finally:
        await store.close()


async def append(store: SqlStore, *payloads: bytes, accepted_at: float = NOW) -> list[InboxRow]:
    """Append payloads one after the other; return everything that is pending then."""
    for payload in payloads:
        await store.append("alertmanager/v2", "10.0.0.1", payload, accepted_at)
    return list(await store.pending(10_000))


def query(url: str, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Run a statement on a database that no store has open, or beside the one that has."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement), parameters)
            return [tuple(row) for row in result] if result.returns_rows else []
    finally:
        engine.dispose()


@contextmanager
def writes_held_up(url: str) -> Iterator[None]:
    """Hold a lock that lets a store read, and lets it wait with what it writes."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        is_sqlite = engine.dialect.name == "sqlite"
        lock = "BEGIN IMMEDIATE" if is_sqlite else "LOCK TABLE signals IN EXCLUSIVE MODE"
        connection.exec_driver_sql(lock)
        yield
        connection.rollback()
    engine.dispose()


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread or process brings about."""
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)


def signal_key(number: int) -> SignalId:
    return SignalId(number.to_bytes(16))


def group_key(number: int) -> GroupId:
    return GroupId(number.to_bytes(16))


def group(number: int) -> Group:
    return Group(group_key(number), "payments/oncall", "builtin/alerts", {"n": "1"}, NOW)


def entry(number: int, channel: str) -> OutboxEntry:
    return OutboxEntry(group_key(number), channel, wanted=3)


BROKEN: Final = Step(
    signals={signal_key(999): b"half of it"},
    marks={"broken": 1j},  # type: ignore[dict-item]  # no driver can send that
)
"""A step whose statements fail, after some of them have succeeded."""


async def drain(store: SqlStore, together: int) -> list[bytes]:
    """Take everything out, so many rows a step, with steps submitted ahead."""
    seen: list[bytes] = []
    steps: list[asyncio.Task[None]] = []
    while rows := await store.pending(together):
        seen += [row.payload for row in rows]
        steps.append(asyncio.create_task(store.commit(Step(done_inbox=[row.id for row in rows]))))
        await asyncio.sleep(0)
    await asyncio.gather(*steps)
    return seen

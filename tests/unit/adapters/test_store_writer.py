import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy.engine import Connection

from tocsin.adapters import store_writer
from tocsin.adapters.store_link import Link
from tocsin.adapters.store_transactions import Change, Fate, Transactions
from tocsin.adapters.store_writer import Writer
from tocsin.errors import StoreUnavailable
from tocsin.model.records import InboxRow, Step

NOW = 1_800_000_000.0


class Database:
    """A link and transactions in one, which commit when they are let."""

    def __init__(self) -> None:
        self.failure = ""
        self.batches: list[list[InboxRow | Step]] = []
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.is_committing = threading.Event()
        self.is_idle: list[bool] = []
        self.failing_batch = -1

    def commit(self, changes: Sequence[Change]) -> None:
        self.is_committing.set()
        assert self.may_commit.wait(30)
        if len(self.batches) == self.failing_batch:
            self.failure = "full"
        self.batches.append([change.content for change in changes])
        for change in changes:
            if self.failure:
                change.fate, change.error = Fate.UNKNOWN, StoreUnavailable(self.failure)

    def connection(self) -> Connection:
        return cast(Connection, SimpleNamespace(begin=nullcontext))

    def roll_back(self) -> bool:
        return True

    def fail(self, error: BaseException) -> StoreUnavailable:
        self.failure = str(error)
        return StoreUnavailable(self.failure)

    def maintain(self, *, is_idle: bool) -> None:
        self.is_idle.append(is_idle)

    def close(self) -> None:
        pass


@dataclass
class Rig:
    """A writer on such a database; `told` is what was settled, in order."""

    database: Database
    told: list[object] = field(default_factory=list)
    recoveries: list[str] = field(default_factory=list)
    probe: Callable[[Connection], None] = lambda _: None

    def writer(self) -> Writer:
        return Writer(
            cast(Link, self.database),
            cast(Transactions, self.database),
            lambda connection: self.probe(connection),
            lambda: self.recoveries.append(self.database.failure),
        )


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(store_writer, "_PROBE_SECONDS", 0.01)
    return Rig(Database())


def row(number: int, payload: bytes = b"") -> InboxRow:
    return InboxRow(number, NOW, "k", "s", payload)


async def test_a_commit_begins_at_once_and_what_comes_meanwhile_shares_the_next(rig: Rig) -> None:
    rig.database.may_commit.clear()
    writer = rig.writer()
    futures = [writer.submit(row(0), rig.told.append)]
    assert await asyncio.to_thread(rig.database.is_committing.wait, 30)
    futures += [writer.submit(row(number), rig.told.append) for number in (1, 2, 3)]
    rig.database.may_commit.set()
    await asyncio.gather(*futures)
    assert rig.database.batches == [[row(0)], [row(1), row(2), row(3)]]
    assert rig.told == [Fate.STORED] * 4
    await writer.close()


async def test_a_transaction_is_bounded_in_bytes(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_writer, "_BATCH_BYTES", 10)
    rig.database.may_commit.clear()
    writer = rig.writer()
    first = writer.submit(Step(), rig.told.append)
    assert await asyncio.to_thread(rig.database.is_committing.wait, 30)
    rows = [row(number, b"123456") for number in range(5)]
    futures = [writer.submit(each, rig.told.append) for each in rows]
    rig.database.may_commit.set()
    await asyncio.gather(first, *futures)
    assert rig.database.batches == [[Step()], rows[:2], rows[2:4], rows[4:]]
    await writer.close()


async def test_memory_hears_of_a_change_before_whoever_waits_for_it(rig: Rig) -> None:
    writer = rig.writer()
    future = writer.submit(row(0), lambda fate: rig.told.append((fate, future.done())))
    await future
    assert rig.told == [(Fate.STORED, False)]
    await writer.close()


async def test_a_task_sees_the_changes_before_it_and_returns_its_result(rig: Rig) -> None:
    writer = rig.writer()
    change = writer.submit(row(0), rig.told.append)
    task = writer.run(lambda _: len(rig.database.batches), rig.told.append)
    assert await task == 1
    await change
    assert rig.told == [Fate.STORED, 1]
    await writer.close()


async def test_a_task_that_fails_settles_nothing(rig: Rig) -> None:
    writer = rig.writer()

    def fail(_: Connection) -> None:
        raise OSError("gone")

    with pytest.raises(StoreUnavailable, match="gone"):
        await writer.run(fail, rig.told.append)
    assert rig.told == []
    assert writer.failure == "gone"
    await writer.close()


async def test_a_database_that_does_not_commit_is_tried_until_it_does(rig: Rig) -> None:
    tries: list[int] = []
    recovered = asyncio.Event()

    def probe(_: Connection) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise OSError("still full")

    rig.probe = probe
    rig.database.failure = "full"
    writer = Writer(
        cast(Link, rig.database), cast(Transactions, rig.database), rig.probe, recovered.set
    )
    with pytest.raises(StoreUnavailable, match="full"):
        await writer.submit(row(0), rig.told.append)
    await asyncio.wait_for(recovered.wait(), 30)
    assert rig.told == [Fate.UNKNOWN]
    assert writer.failure == ""
    assert len(tries) == 3
    await writer.close()


async def test_a_task_that_succeeds_after_a_failed_commit_is_a_recovery_too(rig: Rig) -> None:
    recovered = asyncio.Event()
    writer = Writer(
        cast(Link, rig.database), cast(Transactions, rig.database), rig.probe, recovered.set
    )
    rig.database.failing_batch = 1
    rig.database.may_commit.clear()
    first = writer.submit(row(0), rig.told.append)
    assert await asyncio.to_thread(rig.database.is_committing.wait, 30)
    failing = writer.submit(row(1), rig.told.append)
    task = writer.run(lambda _: None, rig.told.append)
    rig.database.may_commit.set()
    await asyncio.gather(first, task)
    with pytest.raises(StoreUnavailable, match="full"):
        await failing
    assert rig.database.batches == [[row(0)], [row(1)]]
    await asyncio.wait_for(recovered.wait(), 30)
    await writer.close()


async def test_closing_finishes_what_was_submitted(rig: Rig) -> None:
    writer = rig.writer()
    futures = [writer.submit(row(number), rig.told.append) for number in range(3)]
    await writer.close()
    assert all(future.done() for future in futures)
    with pytest.raises(StoreUnavailable, match="closed"):
        writer.submit(row(4), rig.told.append)
    await writer.close()


async def test_housekeeping_learns_whether_something_waits(rig: Rig) -> None:
    rig.database.may_commit.clear()
    writer = rig.writer()
    first = writer.submit(row(0), rig.told.append)
    assert await asyncio.to_thread(rig.database.is_committing.wait, 30)
    second = writer.submit(row(1), rig.told.append)
    rig.database.may_commit.set()
    await asyncio.gather(first, second)
    await writer.close()
    assert rig.database.is_idle[0] is False
    assert rig.database.is_idle[-1] is True

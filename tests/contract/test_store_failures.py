"""The store when its database refuses, fails or goes away: nothing is claimed, and it recovers."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.contract.stores import NOW, append, opened, query, signal_key, sqlite_url, until
from tocsin.adapters.store import SqlStore
from tocsin.errors import StoreIncompatible, StoreUnavailable
from tocsin.model.records import Step

_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'tocsin' AND datname = current_database()"
)


# SQLite: the disk.


async def test_a_commit_that_fails_is_reported_to_all_who_shared_it(tmp_path: Path) -> None:
    async with opened(sqlite_url(tmp_path)) as store:
        await append(store, b"before")
        with _no_file_may_grow(tmp_path):
            outcomes = await asyncio.gather(
                store.append("k", "s", bytes(10**6), NOW),
                store.commit(Step(marks={"m": b"1"})),
                return_exceptions=True,
            )
            assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
            assert "the database does not commit" in store.can_store()
            with pytest.raises(StoreUnavailable, match="does not commit"):
                await store.append("k", "s", b"refused at once", NOW)
        await _recovered(store)
        assert [row.payload for row in await append(store, b"after")] == [b"before", b"after"]
        assert store.backlog().rows == 2
        assert (await store.image()).marks == {}


async def test_a_full_disk_refuses_rows_while_steps_still_delete(tmp_path: Path) -> None:
    with _pages_at_most(60):
        async with opened(sqlite_url(tmp_path)) as store:
            await append(store, bytes(100_000), bytes(100_000))
            with pytest.raises(StoreUnavailable, match="full"):
                await store.append("k", "s", bytes(500_000), NOW)
            rows = await store.pending(10)
            assert [len(row.payload) for row in rows] == [100_000, 100_000]
            await store.commit(Step(done_inbox=[row.id for row in rows]))
            assert store.can_store() == ""
            await append(store, bytes(150_000))


async def test_rows_and_steps_in_one_commit_on_a_full_disk_all_fail(tmp_path: Path) -> None:
    with _pages_at_most(60):
        async with opened(sqlite_url(tmp_path)) as store:
            rows = await append(store, bytes(100_000))
            outcomes = await asyncio.gather(
                store.commit(Step(done_inbox=[rows[0].id])),
                store.append("k", "s", bytes(800_000), NOW),
                return_exceptions=True,
            )
            assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
            await _recovered(store)
            assert [len(row.payload) for row in await store.pending(10)] == [100_000]


async def test_too_little_free_space_refuses_rows_but_no_steps(tmp_path: Path) -> None:
    async with opened(sqlite_url(tmp_path)) as store:
        rows = await append(store, b"1")
    kept, free = 64 * 2**20, 63 * 2**20
    async with opened(
        sqlite_url(tmp_path), min_free_bytes=kept, free_bytes_of=lambda _: free
    ) as store:
        with pytest.raises(StoreUnavailable, match="less than 64 MB of disk space are free"):
            await store.append("k", "s", b"2", NOW)
        assert "64 MB" in store.can_store()
        await store.commit(Step(done_inbox=[rows[0].id], marks={"m": b"1"}))


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"certainly not a database" * 100)
    with pytest.raises(StoreIncompatible, match="not a database"):
        await _open_and_close(sqlite_url(tmp_path))


async def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreIncompatible, match="absent for the database: No such file"):
        await _open_and_close(f"sqlite:///{tmp_path}/absent/store.db")


# PostgreSQL: the connection.


async def test_a_lost_connection_is_made_again_and_nothing_acknowledged_is_lost(
    postgres_url: str,
) -> None:
    async with opened(postgres_url) as store:
        await append(store, b"before")
        await store.commit(Step(marks={"before": b"1"}))
        query(postgres_url, _TERMINATE)
        with pytest.raises(StoreUnavailable):
            await store.commit(Step(marks={"lost": b"1"}))
        await _recovered(store)
        assert [row.payload for row in await append(store, b"after")] == [b"before", b"after"]
        assert (await store.image()).marks == {"before": b"1"}
        with pytest.raises(StoreIncompatible, match="in use by another"):
            await _open_and_close(postgres_url)


async def test_everything_in_flight_on_a_lost_connection_is_reported(postgres_url: str) -> None:
    locker = sa.create_engine(postgres_url)
    async with opened(postgres_url) as store:
        rows = await append(store, b"before")
        with locker.connect() as connection:
            connection.execute(sa.text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
            in_flight = [
                asyncio.create_task(store.append("k", "s", b"1", NOW)),
                asyncio.create_task(store.commit(Step(done_inbox=[rows[0].id]))),
            ]
            await until(lambda: _waits_for_a_lock(locker))
            connection.execute(sa.text(_TERMINATE))
            outcomes = await asyncio.gather(*in_flight, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
        await _recovered(store)
        assert [row.payload for row in await append(store)] == [b"before"]
        assert store.backlog().rows == 1
    locker.dispose()


async def test_a_commit_of_unknown_outcome_is_read_again_from_the_database(
    postgres_url: str,
) -> None:
    async with opened(postgres_url) as store:
        await append(store, b"known")
        query(postgres_url, _TERMINATE)
        insert = "INSERT INTO inbox VALUES (1000, :at, 'k', 's', 'unheard of', 0)"
        query(postgres_url, insert, at=NOW)  # as a commit would whose answer was lost
        with pytest.raises(StoreUnavailable):
            await store.append("k", "s", b"lost", NOW)
        await _recovered(store)
        await until(lambda: store.backlog().rows == 2)
        assert [row.payload for row in await store.pending(10)] == [b"known", b"unheard of"]


async def test_reads_survive_a_lost_connection(postgres_url: str) -> None:
    async with opened(postgres_url) as store:
        await store.commit(Step(signals={signal_key(1): b"1"}))
        assert await store.signals([signal_key(1)]) == {signal_key(1): b"1"}
        query(postgres_url, _TERMINATE)
        assert await store.signals([signal_key(1)]) == {signal_key(1): b"1"}


async def test_a_writer_that_lost_its_lock_does_not_write(postgres_url: str) -> None:
    async with opened(postgres_url) as paused:
        query(postgres_url, _TERMINATE)
        async with opened(postgres_url) as successor:
            with pytest.raises(StoreUnavailable):
                await paused.append("k", "s", b"from the dead", NOW)
            with pytest.raises(StoreUnavailable):
                await paused.commit(Step(marks={"m": b"from the dead"}))
            assert (await successor.image()).marks == {}
            assert await successor.pending(10) == []
        await _recovered(paused)


async def test_commits_wait_for_the_disk_even_where_the_server_would_not(
    postgres_url: str,
) -> None:
    name = sa.make_url(postgres_url).database
    query(postgres_url, f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    async with opened(postgres_url) as store:
        assert await store._writer.run(_synchronous_commit, lambda _: None) == "on"


async def test_a_database_of_another_encoding_is_refused(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    name = f"{engine.url.database}_latin"
    with engine.connect() as connection:
        connection.execute(
            sa.text(f"CREATE DATABASE {name} ENCODING LATIN1 TEMPLATE template0 LOCALE 'C'")
        )
        with pytest.raises(StoreIncompatible, match="encoding is LATIN1"):
            await _open_and_close(str(engine.url.set(database=name)))
        connection.execute(sa.text(f"DROP DATABASE {name}"))
    engine.dispose()


async def test_a_server_that_is_not_there_is_reported_without_the_password() -> None:
    url = "postgresql+psycopg://tocsin:hunter2@127.0.0.1:1/tocsin"
    with pytest.raises(StoreUnavailable, match="cannot open the database") as raised:
        await _open_and_close(url)
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None


async def _open_and_close(url: str) -> None:
    async with opened(url):
        pass


async def _recovered(store: SqlStore) -> None:
    """Wait until the store has found by itself that it can commit again."""
    await until(lambda: not store.can_store())


def _waits_for_a_lock(engine: sa.Engine) -> bool:
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tocsin'"
        " AND datname = current_database() AND wait_event_type = 'Lock'"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(waiting))


def _synchronous_commit(connection: sa.Connection) -> object:
    return connection.scalar(sa.text("SHOW synchronous_commit"))


@contextmanager
def _no_file_may_grow(folder: Path) -> Iterator[None]:
    """Have the kernel refuse writes past the end of the largest file there, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest_bytes = max(file.stat().st_size for file in folder.iterdir())
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def _pages_at_most(pages: int) -> Iterator[None]:
    """Give every SQLite database that is opened meanwhile a disk of so many pages of 8 KB."""

    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}").close()

    sa.event.listen(sa.Engine, "connect", limit)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", limit)

from pathlib import Path

import pytest
import sqlalchemy as sa

from tocsin.adapters import store_sqlite
from tocsin.adapters.store_sqlite import SqliteBackend, free_bytes_on_disk
from tocsin.errors import StoreIncompatible

MEGABYTE = 2**20


class Clock:
    """A monotonic clock that stands still between two `advance`s."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(store_sqlite, "time", clock)
    return clock


def url_of(file: Path) -> sa.URL:
    return sa.make_url(f"sqlite:///{file}")


def test_connections_sync_for_each_commit_and_write_ahead(tmp_path: Path) -> None:
    backend = SqliteBackend(url_of(tmp_path / "store.db"), free_bytes_on_disk)
    with backend.connect() as connection:
        ask = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "page_size", "secure_delete")
        }
    backend.close()
    assert ask == {"journal_mode": "wal", "synchronous": 2, "page_size": 8192, "secure_delete": 0}


def test_the_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    first = SqliteBackend(url_of(tmp_path / "store.db"), free_bytes_on_disk)
    with pytest.raises(StoreIncompatible, match=r"in use by another process \(pid \d+\)"):
        SqliteBackend(url_of(tmp_path / "store.db"), free_bytes_on_disk)
    first.close()
    SqliteBackend(url_of(tmp_path / "store.db"), free_bytes_on_disk).close()


def test_the_lock_holds_whatever_name_the_file_goes_by(tmp_path: Path) -> None:
    (tmp_path / "alias.db").symlink_to(tmp_path / "store.db")
    first = SqliteBackend(url_of(tmp_path / "store.db"), free_bytes_on_disk)
    with pytest.raises(StoreIncompatible, match="in use by another process"):
        SqliteBackend(url_of(tmp_path / "alias.db"), free_bytes_on_disk)
    first.close()


@pytest.mark.parametrize("database", ["", "/:memory:", "/file:x?mode=memory&uri=true"])
def test_a_url_without_a_file_is_refused(database: str) -> None:
    with pytest.raises(StoreIncompatible, match="must name a file"):
        SqliteBackend(sa.make_url(f"sqlite://{database}"), free_bytes_on_disk)


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_sqlite, "network_filesystem", lambda _: "nfs4")
    with pytest.raises(StoreIncompatible, match=r"is on nfs4, a network file system.*PostgreSQL"):
        SqliteBackend(url_of(tmp_path / "store.db"), free_bytes_on_disk)


def test_free_space_is_measured_at_most_twice_a_second(tmp_path: Path, clock: Clock) -> None:
    measured: list[Path] = []

    def measure(folder: Path) -> int:
        measured.append(folder)
        return len(measured) * 100 * MEGABYTE

    backend = SqliteBackend(url_of(tmp_path / "store.db"), measure)
    assert [backend.free_bytes(), backend.free_bytes()] == [100 * MEGABYTE] * 2
    clock.advance(0.6)
    assert backend.free_bytes() == 200 * MEGABYTE
    backend.close()
    assert measured == [tmp_path, tmp_path]


def test_pages_that_deletions_left_free_count_as_free_space(tmp_path: Path, clock: Clock) -> None:
    free_bytes = [20 * MEGABYTE]
    backend = SqliteBackend(url_of(tmp_path / "store.db"), lambda _: free_bytes[0])
    with backend.connect() as connection:
        for statement in (
            "CREATE TABLE filled (payload BLOB)",
            "INSERT INTO filled VALUES (zeroblob(10000000))",
            "DELETE FROM filled",
        ):
            connection.exec_driver_sql(statement)
        connection.commit()
        backend.maintain(connection, is_idle=True)
        assert 29 * MEGABYTE < backend.free_bytes() < 31 * MEGABYTE
        # The log must still be able to grow.
        free_bytes[0] = 10 * MEGABYTE
        clock.advance(1)
        assert backend.free_bytes() == 10 * MEGABYTE
    backend.close()


def test_maintenance_copies_the_log_into_the_file_unless_something_waits(
    tmp_path: Path, clock: Clock
) -> None:
    backend = SqliteBackend(url_of(tmp_path / "store.db"), free_bytes_on_disk)
    with backend.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE filled (payload BLOB)")
        connection.exec_driver_sql("INSERT INTO filled VALUES (zeroblob(1000000))")
        connection.commit()
        size = (tmp_path / "store.db").stat().st_size
        backend.maintain(connection, is_idle=False)
        assert (tmp_path / "store.db").stat().st_size == size
        backend.maintain(connection, is_idle=True)  # too soon after the last
        assert (tmp_path / "store.db").stat().st_size == size
        clock.advance(1)
        backend.maintain(connection, is_idle=True)
        assert (tmp_path / "store.db").stat().st_size > size + 1_000_000
    backend.close()

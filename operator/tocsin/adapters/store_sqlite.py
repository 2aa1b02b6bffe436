"""The store's database as one SQLite file: WAL, a sync of the disk for each commit, one process.

In: the URL of a file. Out: connections set up alike, a lock held as long as the process lives, and
how much the disk still takes. Made by `store_opening`. Only the writer's connection writes the log
or copies it into the file.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from tocsin.adapters.store_mounts import network_filesystem
from tocsin.errors import StoreIncompatible

_PRAGMAS: Final = (
    "page_size = 8192",  # a payload of 25 KB takes a quarter less CPU time than with 4096
    "journal_mode = WAL",
    "synchronous = FULL",  # one fdatasync of the log for each commit
    "wal_autocheckpoint = 4000",  # pages: 32 MB; see `maintain`
    "journal_size_limit = 67108864",
    "secure_delete = OFF",  # or each payload is written once more, as zeros, when it is done
    "cache_size = -8192",  # KB, for each of the two connections
    "busy_timeout = 5000",
)
_REUSABLE_BYTES: Final = (
    "SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"
)
_MAINTENANCE_SECONDS: Final = 0.25
_GAUGE_SECONDS: Final = 0.5
_WAL_RESERVE_BYTES: Final = 16 * 2**20
"""Free pages inside the file are room too, while the log beside it can still grow by as much."""


class SqliteBackend:
    """Implements `store_backend.Backend`. `free_bytes_of` measures the file system of a folder."""

    def __init__(self, url: sa.URL, free_bytes_of: Callable[[Path], int]) -> None:
        """Lock the file; raises StoreIncompatible where it cannot be used."""
        if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
            raise StoreIncompatible(
                "the database URL must name a file, such as sqlite:////var/lib/tocsin/tocsin.db"
            )
        self._file = Path(str(url.database)).resolve()
        self._free_bytes_of = free_bytes_of
        self._lock = _locked(self._file)
        self._reusable_bytes = 0
        self._maintained_until = 0.0
        self._free_bytes = 0
        self._free_until = 0.0
        self.engine = sa.create_engine(
            sa.URL.create("sqlite+pysqlite", database=str(self._file)),
            hide_parameters=True,
            connect_args={"isolation_level": None, "check_same_thread": False},
        )
        self.reading = self.engine
        sa.event.listen(self.engine, "connect", _set_up)
        sa.event.listen(self.engine, "begin", _begin)

    def connect(self) -> Connection:
        """Return a connection; the file's lock is held already."""
        return self.engine.connect()

    def begin(self, cursor: DBAPICursor) -> None:
        """Begin a transaction that writes."""
        cursor.execute("BEGIN IMMEDIATE")

    def maintain(self, connection: Connection, *, is_idle: bool) -> None:
        """Four times a second: measure the file's free pages, and copy the log into the file.

        Copying as part of a commit would hold up its batch for about 10 ms; that is left for when
        something always waits.
        """
        now = time.monotonic()
        if now < self._maintained_until:
            return
        self._maintained_until = now + _MAINTENANCE_SECONDS
        cursor = connection.connection.cursor()
        cursor.execute(_REUSABLE_BYTES)
        (self._reusable_bytes,) = cursor.fetchone() or (0,)
        if is_idle:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
        cursor.close()

    def free_bytes(self) -> int:
        """Return the disk's free bytes and those of the file's own free pages."""
        now = time.monotonic()
        if now >= self._free_until:
            self._free_bytes = self._free_bytes_of(self._file.parent)
            self._free_until = now + _GAUGE_SECONDS
        if self._free_bytes < _WAL_RESERVE_BYTES:
            return self._free_bytes
        return self._free_bytes + self._reusable_bytes

    def close(self) -> None:
        """Close the connections, then the lock."""
        self.engine.dispose()
        self._lock.close()


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """Begin for SQLAlchemy, since the driver is told to leave transactions alone."""
    connection.exec_driver_sql("BEGIN")


def free_bytes_on_disk(folder: Path) -> int:
    """Return what an unprivileged process can still write on the disk that holds a folder."""
    measured = os.statvfs(folder)
    return measured.f_bavail * measured.f_frsize


def _locked(file: Path) -> TextIOWrapper:
    """Return the lock file beside a database, locked; the kernel unlocks it when the process ends.

    Raises StoreIncompatible.
    """
    network = network_filesystem(file.parent)
    if network:
        raise StoreIncompatible(
            f"{file} is on {network}, a network file system, where SQLite's log cannot work: use "
            "a local or block volume, or PostgreSQL"
        )
    try:
        lock = file.with_name(file.name + ".lock").open("a+")
    except OSError as error:
        raise StoreIncompatible(
            f"cannot use {file.parent} for the database: {error.strerror}"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read(20).strip() or "unknown"
        lock.close()
        raise StoreIncompatible(
            f"{file} is in use by another process (pid {holder}): only one may use it at a time"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock

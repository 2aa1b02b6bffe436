"""Opens the database: chosen by its URL, locked, brought to this release's schema, and looked into.

In: settings. Out: what the store starts from. Called by `store`, in a thread.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from tocsin.adapters.store_backend import Backend, describe, discard
from tocsin.adapters.store_inbox import InboxSlice
from tocsin.adapters.store_postgres import PostgresBackend
from tocsin.adapters.store_reading import decisions_end, next_inbox_id, read_inbox
from tocsin.adapters.store_sqlite import SqliteBackend
from tocsin.adapters.store_upgrade import upgrade
from tocsin.errors import SettingsInvalid, StoreError, StoreIncompatible, StoreUnavailable


@dataclass(frozen=True, slots=True)
class Opened:
    """A database that is ready, and what memory starts from.

    `connection` is the writer's. `decisions_end` is where the next decision goes in its log.
    """

    backend: Backend
    connection: Connection
    inbox: InboxSlice
    next_inbox_id: int
    decisions_end: int


def open_database(url: str, free_bytes_of: Callable[[Path], int]) -> Opened:
    """Lock, upgrade and read.

    Raises SettingsInvalid for a URL of nothing that is known, StoreIncompatible where this process
    may not use the database, StoreUnavailable where it cannot be reached now.
    """
    backend = _backend(url, free_bytes_of)
    try:
        return _open(backend)
    except BaseException:
        backend.close()
        raise


def _backend(url: str, free_bytes_of: Callable[[Path], int]) -> Backend:
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise SettingsInvalid(
            "TOCSIN_DATABASE_URL is not a URL"
        ) from None  # it may hold a password
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"}:
        return SqliteBackend(parsed, free_bytes_of)
    if parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return PostgresBackend(parsed)
    raise SettingsInvalid(
        f"TOCSIN_DATABASE_URL begins with {parsed.drivername}:// and must begin with sqlite:/// or "
        "postgresql+psycopg://"
    )


def _open(backend: Backend) -> Opened:
    failures = (SQLAlchemyError, backend.engine.dialect.loaded_dbapi.Error)
    try:
        connection = backend.connect()
    except failures as error:
        raise _opening_error(backend, error) from None
    try:
        with connection.begin():
            upgrade(connection)
        with connection.begin():
            return Opened(
                backend,
                connection,
                read_inbox(connection, skip=0, with_sums=True),
                next_inbox_id(connection),
                decisions_end(connection),
            )
    except failures as error:
        discard(connection)
        raise _opening_error(backend, error) from None
    except BaseException:
        discard(connection)
        raise


def _opening_error(backend: Backend, error: Exception) -> StoreError:
    cause = f"cannot open the database: {describe(error, backend.engine.url)}"
    dbapi = backend.engine.dialect.loaded_dbapi
    if isinstance(error, (OperationalError, dbapi.OperationalError)):
        return StoreUnavailable(cause)
    return StoreIncompatible(cause)

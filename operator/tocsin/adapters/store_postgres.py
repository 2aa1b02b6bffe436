"""The store's database as PostgreSQL 15 or later, through psycopg 3: one process at a time.

In: the URL of a database. Out: connections whose commits wait for the disk; the writer's holds an
advisory lock, which the server releases when that connection ends. Made by `store_opening`.
"""

import time
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from tocsin.errors import StoreIncompatible

_LOCK_KEY: Final = 0x746F6373696E  # "tocsin"
_OLDEST_VERSION: Final = (15, 0)
_LOCK_PATIENCE_SECONDS: Final = 2.0
"""A predecessor that was killed a moment ago may still be ending on the server."""
_LOCK_POLL_SECONDS: Final = 0.1
_CLIENT_OPTIONS: Final = {
    "application_name": "tocsin",
    "connect_timeout": "5",
    # A peer that has vanished is given up after about 20 s, instead of hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "20000",
}
_SESSION: Final = (
    # The server, too, must notice soon that we have vanished, and release the lock.
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 2",
)


class PostgresBackend:
    """Implements `store_backend.Backend`."""

    def __init__(self, url: sa.URL) -> None:
        self.engine: sa.Engine
        self.reading: sa.Engine
        try:
            self.engine = sa.create_engine(
                url.set(drivername="postgresql+psycopg"),
                hide_parameters=True,
                connect_args={
                    key: value for key, value in _CLIENT_OPTIONS.items() if key not in url.query
                },
                pool_size=2,
                max_overflow=0,
                pool_pre_ping=True,
            )
        except ImportError:
            raise StoreIncompatible(
                "the driver for PostgreSQL is not installed: pip install 'tocsin[postgres]'"
            ) from None
        self.reading = self.engine.execution_options(isolation_level="REPEATABLE READ")
        sa.event.listen(self.engine, "connect", _set_up)

    def connect(self) -> Connection:
        """Return a connection that holds the lock; raises StoreIncompatible without it."""
        connection = self.engine.connect()
        try:
            _check(connection)
            _lock(connection)
        except Exception:
            connection.invalidate()
            connection.close()
            raise
        return connection

    def begin(self, cursor: DBAPICursor) -> None:
        """Do nothing: the driver begins a transaction with its first statement."""

    def maintain(self, connection: Connection, *, is_idle: bool) -> None:
        """Do nothing: the server looks after itself."""

    def free_bytes(self) -> None:
        """Return None: the server does not say."""

    def close(self) -> None:
        """Close the connections, and the lock with them."""
        self.engine.dispose()


def _set_up(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        if cursor.fetchone() == ("off",):
            cursor.execute("SET synchronous_commit = on")
        for statement in _SESSION:
            cursor.execute(statement)
    connection.commit()


def _check(connection: Connection) -> None:
    version = connection.dialect.server_version_info or (0,)
    if version < _OLDEST_VERSION:
        raise StoreIncompatible(
            f"PostgreSQL {'.'.join(map(str, version))} is too old: "
            f"version {_OLDEST_VERSION[0]} or later is needed"
        )
    encoding = connection.scalar(sa.text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise StoreIncompatible(
            f"the database's encoding is {encoding}: create it with ENCODING 'UTF8'"
        )


def _lock(connection: Connection) -> None:
    deadline = time.monotonic() + _LOCK_PATIENCE_SECONDS
    while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK_KEY))):
        connection.rollback()
        if time.monotonic() > deadline:
            raise StoreIncompatible(
                f"database {connection.engine.url.database} is in use by another Tocsin: "
                "only one may use it at a time"
            )
        time.sleep(_LOCK_POLL_SECONDS)
    connection.commit()

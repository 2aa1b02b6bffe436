"""What the store needs of a database beyond SQL: opened, owned by one process, and measured.

Implemented by `store_sqlite` and `store_postgres`; used by the store's other modules.
"""

from contextlib import suppress
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPICursor

from tocsin.redact import redact

_MESSAGE_CHARACTERS: Final = 300


class Backend(Protocol):
    """One database, for this process alone until `close`."""

    engine: Engine
    reading: Engine
    """The same, for transactions that only read, each of which sees one state throughout."""

    def connect(self) -> Connection:
        """Return a connection that may write, the database being this process's own.

        Raises StoreIncompatible where it can never be, sqlalchemy.exc.DBAPIError where it cannot
        be reached now. Called by the opening thread first, then by the writer's.
        """
        ...

    def begin(self, cursor: DBAPICursor) -> None:
        """Begin a transaction that writes, on a cursor of the driver's."""
        ...

    def maintain(self, connection: Connection, *, is_idle: bool) -> None:
        """Do housekeeping on the writer's connection between two batches; nothing waits if idle."""
        ...

    def free_bytes(self) -> int | None:
        """Return how much can still be stored, None where that cannot be known. Cheap."""
        ...

    def close(self) -> None:
        """Close connections and let others have the database."""
        ...


def describe(error: BaseException, url: sa.URL) -> str:
    """Return an error of the driver's in one line for people, without parameters or secrets."""
    cause = getattr(error, "orig", None) or error
    text = " ".join(f"{type(cause).__name__}: {cause}".split())
    if url.password:
        text = text.replace(str(url.password), "[redacted]")
    return redact(text)[:_MESSAGE_CHARACTERS]


def discard(connection: Connection) -> None:
    """Close a connection that is of no use any more, without a word from it."""
    with suppress(Exception):  # it may be broken in any way; there is nobody to tell
        connection.invalidate()
    with suppress(Exception):
        connection.close()

"""The writer's connection: made, lost, and made again; and whether the database takes commits.

Used by `store_transactions` and `store_writer` in the writer's thread; `failure` is read from the
event loop.
"""

import time
from typing import Final

from sqlalchemy.engine import Connection

from tocsin.adapters.store_backend import Backend, describe, discard
from tocsin.errors import StoreUnavailable

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 5.0


class Link:
    """Holds one connection at a time.

    `failure` says why the last transaction could not be committed; it is empty once one was.
    """

    def __init__(self, backend: Backend, connection: Connection) -> None:
        self.failure = ""
        self._backend = backend
        self._connection: Connection | None = connection
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._next_attempt = 0.0

    def connection(self) -> Connection:
        """Return the connection, made anew where it was lost, no sooner than the pause is over.

        Raises StoreUnavailable.
        """
        if self._connection is not None and self._connection.invalidated:
            self._drop()  # or it would reconnect by itself, without the lock
        if self._connection is None:
            if time.monotonic() < self._next_attempt:
                raise StoreUnavailable(self.failure)
            self._connection = self._connect()
            self._pause_seconds = _FIRST_PAUSE_SECONDS
        return self._connection

    def fail(self, error: BaseException) -> StoreUnavailable:
        """Note that the database did not commit, and return what to tell those who wait."""
        self.failure = f"the database does not commit: {self.describe(error)}"
        return StoreUnavailable(self.failure)

    def describe(self, error: BaseException) -> str:
        """Return an error of the driver's in one line, without secrets."""
        return describe(error, self._backend.engine.url)

    def roll_back(self) -> bool:
        """Undo the open transaction; return False, the connection being gone, where that fails."""
        connection = self._connection
        if connection is None:
            return False
        is_undone = not connection.invalidated
        try:
            if is_undone:
                connection.connection.rollback()
        except Exception:  # whatever it is, the state of this connection is unknown
            is_undone = False
        if not is_undone:
            self._drop()
        return is_undone

    def maintain(self, *, is_idle: bool) -> None:
        """Let the backend do its housekeeping, while there is a connection."""
        if self._connection is None or self.failure:
            return
        try:
            self._backend.maintain(self._connection, is_idle=is_idle)
        except Exception as error:
            self.fail(error)
            self.roll_back()

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        try:
            return self._backend.connect()
        except Exception as error:
            self._next_attempt = time.monotonic() + self._pause_seconds
            self._pause_seconds = min(2 * self._pause_seconds, _LONGEST_PAUSE_SECONDS)
            raise self.fail(error) from None

    def _drop(self) -> None:
        if self._connection is not None:
            discard(self._connection)
            self._connection = None

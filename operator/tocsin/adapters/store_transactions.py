"""Group commit: everything that was submitted meanwhile, in one transaction.

In: changes in their order. Out: each with its fate. First all of them are merged and written at
once. Where the database refuses a statement, all is rolled back and each is applied in a savepoint
of its own, so that only the guilty one fails. Used by `store_writer`, in its thread.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy.engine.interfaces import DBAPICursor

from tocsin.adapters.store_backend import Backend
from tocsin.adapters.store_changes import Changes
from tocsin.adapters.store_link import Link
from tocsin.adapters.store_statements import Statements
from tocsin.errors import StoreUnavailable
from tocsin.model.records import InboxRow, Step


class Fate(Enum):
    """What became of a change."""

    STORED = auto()
    REFUSED = auto()
    """Its own statements failed; nothing of it is on disk."""
    UNKNOWN = auto()
    """The commit failed or was not heard of; it may be on disk."""


@dataclass(slots=True, eq=False)
class Change:
    """A row or step on its way.

    `settle` is told its fate on the event loop, before `done` is resolved. `error` goes with any
    fate but STORED.
    """

    content: InboxRow | Step
    settle: Callable[[Fate], None]
    done: asyncio.Future[None]
    fate: Fate = Fate.STORED
    error: StoreUnavailable | None = None


class _CommitFailed(Exception):
    """COMMIT itself raised; the cause says what."""


class Transactions:
    """Commits changes; `clock` gives seconds since the epoch, `position` the decisions' end."""

    def __init__(
        self,
        backend: Backend,
        link: Link,
        statements: Statements,
        clock: Callable[[], float],
        position: int,
    ) -> None:
        self._backend = backend
        self._link = link
        self._statements = statements
        self._clock = clock
        self._position = position

    def commit(self, changes: Sequence[Change]) -> None:
        """Write the changes and set their fates; raises nothing."""
        try:
            self._commit_merged(changes)
        except StoreUnavailable as error:
            _fail(changes, Fate.REFUSED, error)  # there was no connection to begin with
        except _CommitFailed as failed:
            self._link.roll_back()
            _fail(changes, Fate.UNKNOWN, self._link.fail(failed.__cause__ or failed))
        except Exception as error:  # the driver's, or a value that it cannot send
            if not self._link.roll_back():
                _fail(changes, Fate.UNKNOWN, self._link.fail(error))
            elif len(changes) == 1:
                self._refuse(changes[0], error)
            else:
                self._commit_one_by_one(changes)

    def _commit_merged(self, changes: Sequence[Change]) -> None:
        merged = Changes(self._clock(), self._position)
        for change in changes:
            merged.add(change.content)
        cursor = self._begin()
        merged.write(cursor, self._statements)
        self._end(cursor)
        self._position = merged.position

    def _commit_one_by_one(self, changes: Sequence[Change]) -> None:
        try:
            cursor = self._begin()
            for change in changes:
                self._apply(change, cursor)
            self._end(cursor)
        except Exception as error:  # SQLite ends a transaction itself when the disk is full
            self._link.roll_back()
            cause = error.__cause__ if isinstance(error, _CommitFailed) else None
            _fail(changes, Fate.UNKNOWN, self._link.fail(cause or error))

    def _apply(self, change: Change, cursor: DBAPICursor) -> None:
        """Apply one change in a savepoint; raises where the transaction is lost with it."""
        alone = Changes(self._clock(), self._position)
        alone.add(change.content)
        cursor.execute("SAVEPOINT change")
        try:
            alone.write(cursor, self._statements)
        except Exception as error:
            self._refuse(change, error)
            cursor.execute("ROLLBACK TO SAVEPOINT change")
        else:
            self._position = alone.position
        cursor.execute("RELEASE SAVEPOINT change")

    def _begin(self) -> DBAPICursor:
        cursor = self._link.connection().connection.cursor()
        self._backend.begin(cursor)
        return cursor

    def _end(self, cursor: DBAPICursor) -> None:
        try:
            self._link.connection().connection.commit()
        except Exception as error:
            raise _CommitFailed from error
        cursor.close()
        self._link.failure = ""

    def _refuse(self, change: Change, error: Exception) -> None:
        """Fail one change alone; where the database is at fault, that is noted as well."""
        change.fate = Fate.REFUSED
        dbapi = self._backend.engine.dialect.loaded_dbapi
        if isinstance(error, dbapi.OperationalError):
            change.error = self._link.fail(error)
        else:
            change.error = StoreUnavailable(f"not stored: {self._link.describe(error)}")


def _fail(changes: Sequence[Change], fate: Fate, error: StoreUnavailable) -> None:
    for change in changes:
        change.fate, change.error = fate, StoreUnavailable(*error.args)

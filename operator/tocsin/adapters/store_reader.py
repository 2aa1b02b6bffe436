"""The reader: a thread that runs short read transactions, so that nobody waits for a disk.

Used by `store`, beside `store_writer`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from tocsin.adapters.store_backend import describe
from tocsin.errors import StoreUnavailable

_T = TypeVar("_T")


class Reader:
    """Owns the thread; reads see what was committed when they begin."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-reader")

    async def read(self, query: Callable[[Connection], _T]) -> _T:
        """Run a query in a transaction; raises StoreUnavailable where the database fails."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, query)

    async def close(self) -> None:
        """End the thread after the reads that wait."""
        await asyncio.to_thread(self._thread.shutdown)

    def _run(self, query: Callable[[Connection], _T]) -> _T:
        try:
            with self._engine.connect() as connection, connection.begin():
                return query(connection)
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            what = describe(error, self._engine.url)
            raise StoreUnavailable(f"the database cannot be read: {what}") from None

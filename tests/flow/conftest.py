"""Stores for the flow tests: every test that asks for `store` runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tocsin.adapters.store import SqlStore, open_store

OpenStore = Callable[[], Awaitable[SqlStore]]


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tocsin.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def open_(store_url: str) -> OpenStore:
    """Open the test's store, at first or again."""
    return lambda: open_store(
        store_url, max_backlog_bytes=2**30, min_free_bytes=0, decision_seconds=3600
    )


@pytest.fixture
async def store(open_: OpenStore) -> AsyncIterator[SqlStore]:
    """An open, empty store."""
    opened = await open_()
    yield opened
    await opened.close()

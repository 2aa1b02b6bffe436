"""Databases for the tests of the store: whoever asks for `store_url` or `store` runs on both."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.stores import opened, sqlite_url
from tocsin.adapters.store import SqlStore


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    """A store on an empty database."""
    async with opened(store_url) as store:
        yield store

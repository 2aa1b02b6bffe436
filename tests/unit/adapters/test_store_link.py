from types import SimpleNamespace
from typing import cast

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tocsin.adapters import store_link
from tocsin.adapters.store_backend import Backend
from tocsin.adapters.store_link import Link
from tocsin.errors import StoreUnavailable


class Flaky:
    """A backend that connects only while it is up."""

    def __init__(self) -> None:
        self.engine = sa.create_engine("sqlite://", poolclass=sa.NullPool)
        self.is_up = True
        self.is_maintained = False
        self.attempts = 0

    def connect(self) -> Connection:
        self.attempts += 1
        if not self.is_up:
            raise ConnectionError("refused")
        return self.engine.connect()

    def maintain(self, _connection: Connection, *, is_idle: bool) -> None:
        self.is_maintained = is_idle
        if not self.is_up:
            raise ConnectionError("reset")


@pytest.fixture
def backend() -> Flaky:
    return Flaky()


@pytest.fixture
def link(backend: Flaky) -> Link:
    return Link(cast(Backend, backend), backend.engine.connect())


def break_off(link: Link) -> None:
    """End the driver's connection as a server would: nobody is told."""
    driver = link.connection().connection.dbapi_connection
    assert driver is not None
    driver.close()


def test_a_good_connection_is_kept(link: Link, backend: Flaky) -> None:
    first = link.connection()
    assert link.roll_back()
    assert link.connection() is first
    assert backend.attempts == 0
    link.close()


def test_a_lost_connection_is_made_anew(link: Link, backend: Flaky) -> None:
    first = link.connection()
    break_off(link)
    assert not link.roll_back()
    assert not link.roll_back()
    assert link.connection() is not first
    link.close()


def test_an_invalidated_connection_never_reconnects_by_itself(link: Link, backend: Flaky) -> None:
    link.connection().invalidate()
    assert not link.connection().invalidated
    assert backend.attempts == 1
    link.connection().invalidate()
    assert not link.roll_back()
    link.close()


def test_attempts_become_rarer_until_one_succeeds(
    link: Link, backend: Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(store_link, "time", SimpleNamespace(monotonic=lambda: now[0]))
    break_off(link)
    backend.is_up = False
    assert not link.roll_back()
    for pause in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0):
        before = backend.attempts
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="does not commit: ConnectionError"):
                link.connection()
        assert backend.attempts == before + 1
        now[0] += pause * 1.01
    backend.is_up = True
    link.connection()
    link.close()


def test_a_failure_is_told_in_one_line_without_the_password(backend: Flaky) -> None:
    backend.engine.url = sa.make_url("postgresql://me:hunter2@there/db")
    link = Link(cast(Backend, backend), backend.engine.connect())
    error = link.fail(ConnectionError("no route\n\tto me:hunter2@there"))
    assert str(error) == link.failure
    assert link.failure == (
        "the database does not commit: ConnectionError: no route to me:[redacted]@there"
    )
    link.close()


def test_housekeeping_waits_until_the_database_commits_again(link: Link, backend: Flaky) -> None:
    link.failure = "broken"
    link.maintain(is_idle=True)
    assert not backend.is_maintained
    link.failure = ""
    link.maintain(is_idle=True)
    assert backend.is_maintained


def test_housekeeping_that_fails_is_a_failure_of_the_database(link: Link, backend: Flaky) -> None:
    backend.is_up = False
    link.maintain(is_idle=True)
    assert "ConnectionError: reset" in link.failure

"""PostgreSQL is a real one, on loopback alone, with databases for whoever asks."""

import os
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from lab.postgres import Postgres, _reachable
from lab.tools import Tool
from tests.lab.observing import LOOPBACK, children, listening_addresses


def ask(url: str, question: str) -> str:
    engine = create_engine(url)
    with engine.connect() as connection:
        answer = str(connection.execute(text(question)).scalar_one())
    engine.dispose()
    return answer


def test_each_test_has_an_empty_database(postgres_url: str) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert ask(postgres_url, tables) == "0"
    assert int(ask(postgres_url, "SHOW server_version_num")) >= 150000


def test_a_server_of_ones_own_syncs_to_disk_and_leaves_nothing_behind() -> None:
    before = children(os.getpid())
    with tempfile.TemporaryDirectory(prefix="tocsin-own-") as made:
        parent = Path(made)
        parent.chmod(0o755)
        with Postgres(parent=parent) as own:
            url = own.create_database("durable")
            assert ask(url, "SHOW fsync") == "on"
            assert listening_addresses(children(os.getpid()) - before) == {LOOPBACK}
        assert list(parent.iterdir()) == []
    assert children(os.getpid()) == before


def test_a_dropped_database_is_gone_even_if_somebody_was_connected() -> None:
    with Postgres(fsync=False) as own:
        url = own.create_database("short")
        assert ask(url, "SHOW fsync") == "off"
        engine = create_engine(url)
        with engine.connect():
            own.drop_database("short")
        engine.dispose()
        with pytest.raises(OperationalError, match='database "short" does not exist'):
            ask(url, "SELECT 1")


def test_programs_in_a_closed_folder_are_copied_to_where_the_server_can_run_them(
    tmp_path: Path,
) -> None:
    tree = tmp_path / "closed" / "postgresql-15"
    program = tree / "usr/lib/postgresql/15/bin/postgres"
    libraries = tree / "usr/lib/any-linux-gnu"
    program.parent.mkdir(parents=True)
    libraries.mkdir()
    program.touch()
    tmp_path.joinpath("closed").chmod(0o700)
    copied = _reachable(Tool(program, (libraries,)), tmp_path / "open")
    copy = tmp_path / "open" / "program"
    assert copied == Tool(
        copy / "usr/lib/postgresql/15/bin/postgres", (copy / "usr/lib/any-linux-gnu",)
    )
    assert copied.program.exists()


def test_installed_programs_are_run_where_they_are(tmp_path: Path) -> None:
    installed = Tool(Path("/usr/bin/env"))
    assert _reachable(installed, tmp_path) == installed

"""A real PostgreSQL server on loopback, 15 or later, with databases made on demand.

In: whether it syncs to disk. Out: SQLAlchemy URLs. Used by the tests, benches and fault runs.
"""

import contextlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from lab import tools
from lab.process import Child, Command, free_port

_SUPERUSER = "tocsin"


class PostgresDatabases:
    """A running server at `127.0.0.1:port` that trusts everybody on loopback; makes databases."""

    def __init__(self, port: int) -> None:
        self.port = port

    def create_database(self, name: str) -> str:
        """Makes an empty database; returns its SQLAlchemy URL. psycopg.Error if it exists."""
        self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql+psycopg://{_SUPERUSER}@127.0.0.1:{self.port}/{name}"

    def drop_database(self, name: str) -> None:
        """Drops a database, ending whatever is still connected to it."""
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def answers(self) -> bool:
        """True once the server takes connections."""
        try:
            self._execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: sql.SQL | sql.Composed) -> None:
        where = f"host=127.0.0.1 port={self.port} user={_SUPERUSER} dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement)


class Postgres(PostgresDatabases):
    """A PostgreSQL that lives as long as its `with` block, and then leaves nothing behind.

    Its data lie in a new folder inside `parent` (default: the system's temporary folder), which its
    user must be able to reach: PostgreSQL refuses to run as root, so root starts it as `postgres`
    or `nobody`. Without `fsync` it is faster, and safe against all but a crash of the machine.
    """

    def __init__(self, *, fsync: bool = True, parent: Path | None = None) -> None:
        super().__init__(free_port())
        self._fsync = fsync
        self._parent = parent
        self._user = _unprivileged_user() if os.geteuid() == 0 else None
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            made = tempfile.mkdtemp(prefix="tocsin-postgres-", dir=self._parent)
            folder = Path(made)
            starting.callback(shutil.rmtree, folder, ignore_errors=True)
            if self._user:
                shutil.chown(folder, self._user)
            tool = _reachable(tools.postgres(), folder) if self._user else tools.postgres()
            self._initialise(tool, folder)
            self._start(tool, folder, starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._running.close()

    def _initialise(self, tool: tools.Tool, folder: Path) -> None:
        arguments: list[str | Path] = [
            tool.beside("initdb"),
            f"--pgdata={folder / 'data'}",
            f"--username={_SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]
        command = Command(arguments, tool.environment(), user=self._user)
        Child(command, folder / "initdb.log").wait_for_success(timeout_seconds=60)

    def _start(self, tool: tools.Tool, folder: Path, stack: contextlib.ExitStack) -> None:
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",  # TCP on loopback only
            "fsync": "on" if self._fsync else "off",
            "max_connections": "200",
            "jit": "off",  # its library is not among those unpacked
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        arguments: list[str | Path] = [tool.program, "-D", folder / "data", *options]
        command = Command(arguments, tool.environment(), user=self._user)
        server = stack.enter_context(Child(command, folder / "postgres.log"))
        server.wait_until(self.answers)


def _unprivileged_user() -> str:
    users = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in users else "nobody"


def _reachable(tool: tools.Tool, folder: Path) -> tools.Tool:
    """`tool` itself where everybody can run it, else a copy of its unpacked tree in `folder`.

    A project in root's home is closed to the unprivileged user. PostgreSQL finds the rest of its
    files relative to its program, so its tree can be copied anywhere.
    """
    if all(parent.stat().st_mode & 0o001 for parent in tool.program.parents):
        return tool
    root = next(parent for parent in tool.program.parents if (parent / "usr").is_dir())
    copy = folder / "program"
    shutil.copytree(root, copy, symlinks=True)
    return tools.Tool(
        copy / tool.program.relative_to(root),
        tuple(copy / libraries.relative_to(root) for libraries in tool.library_folders),
    )

"""A test run's shared servers start once, and end with the run, however that ends."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import shared
from lab.errors import ChildError
from lab.postgres import PostgresDatabases
from lab.readiness import wait_until
from tests.lab.observing import children, is_alive


@pytest.fixture
def test_run() -> Iterator[subprocess.Popen[bytes]]:
    """A process in the place of the one that controls a test run."""
    with subprocess.Popen(["sleep", "600"]) as run:
        yield run
        run.kill()


def test_whoever_asks_second_gets_the_same_server_which_ends_when_told_to(
    test_run: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    first = shared.reach("postgres", folder, test_run.pid)
    assert shared.reach("postgres", folder, test_run.pid) == first
    supervisor = int((folder / "postgres.pid").read_text())
    (server,) = children(supervisor)
    assert PostgresDatabases(int(first["port"])).answers()
    shared.end_all(folder)
    assert not is_alive(supervisor)
    assert not is_alive(server)
    assert not folder.exists()


def test_a_killed_test_run_takes_its_servers_and_files_along(
    test_run: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shared.reach("postgres", folder, test_run.pid)
    supervisor = int((folder / "postgres.pid").read_text())
    (server,) = children(supervisor)
    test_run.kill()
    wait_until(lambda: not is_alive(supervisor), "the supervisor's end")
    assert not is_alive(server)
    assert not folder.exists()


def test_a_server_that_does_not_start_is_reported_with_the_supervisors_log(
    test_run: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    with pytest.raises(ChildError, match=r"no shared teapot(?s:.*)KeyError: 'teapot'"):
        shared.reach("teapot", tmp_path, test_run.pid)


def test_ending_a_run_whose_supervisors_are_gone_removes_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    (folder / "postgres.pid").write_text(str(gone.pid))
    shared.end_all(folder)
    assert not folder.exists()

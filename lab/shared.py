"""Servers that all workers of one test run share, each kept by a supervisor of its own.

The first worker that needs a server starts `python -m lab.shared KIND FOLDER PID` under a lock; the
supervisor starts the server, writes how to reach it to `FOLDER/KIND.json`, and waits. It ends, and
its servers with it, when it is told to (`end_all`) or when the test run's process PID is gone, in
whatever way that ended. Called by tests/conftest.py.
"""

import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from lab.cluster import ControlPlane
from lab.errors import ChildError
from lab.places import PROJECT, locked
from lab.postgres import Postgres
from lab.process import tail

Reached = dict[str, str]

_START_TIMEOUT_SECONDS = 180
_END_TIMEOUT_SECONDS = 20
_POLL_SECONDS = 0.05


@contextmanager
def _control_plane(folder: Path) -> Iterator[Reached]:
    with ControlPlane(folder / "control-plane") as running:
        yield {"folder": str(running.folder), "url": running.url}


@contextmanager
def _postgres(folder: Path) -> Iterator[Reached]:
    del folder  # its data lie where an unprivileged user can reach them
    with Postgres(fsync=False) as running:
        yield {"port": str(running.port)}


KINDS: dict[str, Callable[[Path], AbstractContextManager[Reached]]] = {
    "control-plane": _control_plane,
    "postgres": _postgres,
}


def reach(kind: str, folder: Path, test_run_pid: int) -> Reached:
    """How to reach the run's server of this kind, which is started if nobody has yet.

    `folder` is the test run's own, and made here. ChildError, with the supervisor's log, where it
    does not start.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    answer = folder / f"{kind}.json"
    with locked(folder / f"{kind}.lock"):
        if not answer.exists():
            _start_supervisor(kind, folder, test_run_pid)
    reached: Reached = json.loads(answer.read_text())
    return reached


def end_all(folder: Path) -> None:
    """Ends the run's supervisors by their pids, waits for them, and removes the run's folder."""
    for pid_file in folder.glob("*.pid"):
        with suppress(ProcessLookupError):
            _end(int(pid_file.read_text()))
    shutil.rmtree(folder, ignore_errors=True)


def _start_supervisor(kind: str, folder: Path, test_run_pid: int) -> None:
    log_file = folder / f"{kind}.log"
    to_log = (os.POSIX_SPAWN_OPEN, 1, str(log_file), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "lab.shared", kind, str(folder), str(test_run_pid)],
        {**os.environ, "PYTHONPATH": str(PROJECT)},
        file_actions=[to_log, (os.POSIX_SPAWN_DUP2, 1, 2)],
        setsid=True,
    )
    (folder / f"{kind}.pid").write_text(str(pid))
    answer = folder / f"{kind}.json"
    ended = os.pidfd_open(pid)
    try:
        deadline_seconds = time.monotonic() + _START_TIMEOUT_SECONDS
        while not answer.exists():
            late = time.monotonic() > deadline_seconds
            if late or _readable(ended, timeout_seconds=_POLL_SECONDS):
                raise ChildError(f"no shared {kind}: its supervisor says:\n{tail(log_file)}")
    finally:
        os.close(ended)


def _end(pid: int) -> None:
    """SIGTERM, then SIGKILL if it takes too long; ProcessLookupError where it has ended already."""
    ended = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(ended, signal.SIGTERM)
        if not _readable(ended, timeout_seconds=_END_TIMEOUT_SECONDS):
            signal.pidfd_send_signal(ended, signal.SIGKILL)
    finally:
        os.close(ended)


def _readable(file: int, *, timeout_seconds: float | None) -> bool:
    """For a pidfd: whether its process ends within the time (None: wait as long as it takes)."""
    return bool(select.select([file], [], [], timeout_seconds)[0])


def _supervise(kind: str, folder: Path, test_run_pid: int) -> None:
    try:
        test_run = os.pidfd_open(test_run_pid)
    except ProcessLookupError:
        return
    with KINDS[kind](folder) as reached:
        partial = folder / f"{kind}.partial"
        partial.write_text(json.dumps(reached))
        partial.rename(folder / f"{kind}.json")
        _readable(test_run, timeout_seconds=None)
    # Nobody else is left to do this if the test run was killed.
    if _readable(test_run, timeout_seconds=0):
        shutil.rmtree(folder, ignore_errors=True)


def _leave(signal_number: int, _: object) -> NoReturn:
    """Unwinds the `with` blocks, which end the servers; a second signal changes nothing."""
    signal.signal(signal_number, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    _supervise(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))

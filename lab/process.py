"""Child processes that cannot outlive their parent, log into files, and say why they failed.

Used by every server of the lab. A child runs in a session of its own, so that Ctrl-C in a terminal
reaches only the program that is in charge, which then ends its children in order, each by its pid.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NoReturn, Self

from lab import launch
from lab.errors import ChildError

_POLL_SECONDS = 0.05
_TAIL_LINES = 20

# Below Linux's default range for outgoing connections: a port found free there cannot be taken by
# a connection that somebody opens before the server listens.
_PORTS = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Command:
    """What to start.

    `arguments` is the program and its arguments; `environment` is added to this process's own;
    `user` is whom to become (only root can), `core` the one CPU to run on, `folder` the working
    directory, each None for no change.
    """

    arguments: Sequence[str | Path]
    environment: Mapping[str, str] | None = None
    user: str | None = None
    core: int | None = None
    folder: Path | None = None


class Child:
    """A running process, ended at the latest when the process that started it ends.

    That holds for a parent killed with SIGKILL (the kernel sends the child SIGKILL), whichever of
    the parent's threads made the child. Standard output and error go to `log_file`, appended.
    """

    def __init__(self, command: Command, log_file: Path) -> None:
        self.log_file = log_file
        self.name = Path(command.arguments[0]).name
        self._process = _spawner(os.getpid()).submit(_spawn, command, log_file).result()

    @property
    def pid(self) -> int:
        """The command's own process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """False once the process has ended, in whatever way."""
        return self._process.poll() is None

    @property
    def exit_status(self) -> int | None:
        """What it ended with: its status, or minus the signal's number; None while it runs."""
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float = 30) -> None:
        """Returns once `ready()` is true; where it ends first or is late, ends it: ChildError.

        An OSError from `ready` (nothing listens yet) means not ready. The error has the log's tail.
        """
        deadline_seconds = time.monotonic() + timeout_seconds
        try:
            while not self._is_ready(ready):
                if time.monotonic() > deadline_seconds:
                    self._fail(f"was not ready after {timeout_seconds:.0f} s")
                time.sleep(_POLL_SECONDS)
        except BaseException:
            self.kill()
            raise

    def wait_for_success(self, timeout_seconds: float = 30) -> None:
        """Returns once the command has ended with status 0; otherwise ChildError, as above."""
        try:
            status = self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self._fail(f"had not ended after {timeout_seconds:.0f} s")
        if status != 0:
            self._fail(f"ended with status {status}")

    def _is_ready(self, ready: Callable[[], bool]) -> bool:
        if not self.is_running:
            self._fail(f"ended with status {self._process.returncode} before it was ready")
        try:
            return ready()
        except OSError:
            return False

    def _fail(self, what: str) -> NoReturn:
        raise ChildError(
            f"{self.name} {what}; its log {self.log_file} ends:\n{tail(self.log_file)}"
        )

    def stop(self, grace_seconds: float = 10) -> None:
        """SIGTERM, then SIGKILL for it and its own children once the grace is over; idempotent."""
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL at once, for it and the children that stayed in its process group; idempotent."""
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def tail(log_file: Path) -> str:
    """The last 20 lines of a log; a sentence in their place where there are none."""
    lines = log_file.read_text(errors="replace").splitlines() if log_file.exists() else []
    return "\n".join(lines[-_TAIL_LINES:]) or "(the log is empty)"


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on now."""
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ChildError(f"100 ports between {_PORTS.start} and {_PORTS.stop} were all in use")


@cache
def _spawner(pid: int) -> ThreadPoolExecutor:
    """The one thread of process `pid` that starts children.

    The kernel's parent-death signal follows the thread that forked, not its process, so children
    must come from a thread that lives as long as the process does. The key keeps a forked process
    from using its parent's thread, which it does not have.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"lab-spawner-{pid}")


def _spawn(command: Command, log_file: Path) -> subprocess.Popen[bytes]:
    log_file.parent.mkdir(parents=True, exist_ok=True)
    core = "" if command.core is None else str(command.core)
    launcher = [sys.executable, "-I", "-S", launch.__file__]
    starter = [str(os.getpid()), command.user or "", core]
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [*launcher, *starter, *map(str, command.arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=command.folder,
            env={**os.environ, **(command.environment or {})},
            start_new_session=True,
        )

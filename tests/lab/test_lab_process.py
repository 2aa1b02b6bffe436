"""Child processes end with their parent, by their pid, and explain themselves."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab.errors import ChildError
from lab.process import Child, Command, free_port, tail
from lab.readiness import wait_until
from tests.lab.observing import is_alive

# Starts a child from a thread that ends at once, says its pid, and then waits for ever.
PARENT = """
import sys, threading, time
from pathlib import Path
from lab.process import Child, Command

def start():
    child = Child(Command(["sleep", "600"]), Path(sys.argv[1]))
    print(child.pid, flush=True)

starter = threading.Thread(target=start)
starter.start()
starter.join()
time.sleep(600)
"""


def python(code: str, *arguments: str) -> Command:
    return Command([sys.executable, "-c", code, *arguments])


def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "log"], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_alive(pid)
        parent.kill()
    wait_until(lambda: not is_alive(pid), "the child's end")


def test_a_child_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    started: list[Child] = []
    command = python("import time; print('up', flush=True); time.sleep(600)")
    thread = threading.Thread(target=lambda: started.append(Child(command, tmp_path / "log")))
    thread.start()
    thread.join()
    with started[0] as child:
        child.wait_until(lambda: "up" in tail(child.log_file))
        assert child.is_running
    assert not child.is_running


def test_a_child_that_ignores_sigterm_is_killed_with_its_own_children(tmp_path: Path) -> None:
    stubborn = (
        "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    )
    child = Child(python(stubborn), tmp_path / "log")
    child.wait_until(lambda: tail(child.log_file).isdigit())
    grandchild = int(tail(child.log_file))
    child.stop(grace_seconds=0.1)
    assert not child.is_running
    wait_until(lambda: not is_alive(grandchild), "the grandchild's end")


def test_ctrl_c_in_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    with Child(Command(["sleep", "600"]), tmp_path / "log") as child:
        assert os.getsid(child.pid) == child.pid


def test_a_child_that_ends_early_is_reported_with_its_logs_last_lines(tmp_path: Path) -> None:
    command = python("print('no such option: --colour'); raise SystemExit(3)")
    child = Child(command, tmp_path / "log")
    with pytest.raises(ChildError, match=r"status 3(?s:.*)no such option: --colour"):
        child.wait_until(lambda: False)


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    child = Child(Command(["/nowhere/etcd"]), tmp_path / "log")
    with pytest.raises(ChildError, match="cannot run /nowhere/etcd: No such file"):
        child.wait_until(lambda: False)


def test_a_child_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    child = Child(Command(["sleep", "600"]), tmp_path / "log")
    with pytest.raises(ChildError, match="was not ready after 0 s"):
        child.wait_until(lambda: False, timeout_seconds=0)
    assert not child.is_running


def test_a_refused_connection_means_not_ready_yet(tmp_path: Path) -> None:
    asked = 0

    def ready() -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ConnectionRefusedError
        return True

    with Child(Command(["sleep", "600"]), tmp_path / "log") as child:
        child.wait_until(ready)
    assert asked == 2


def test_a_command_that_fails_or_hangs_is_not_a_success(tmp_path: Path) -> None:
    Child(Command(["true"]), tmp_path / "log").wait_for_success()
    with pytest.raises(ChildError, match="false ended with status 1"):
        Child(Command(["false"]), tmp_path / "log").wait_for_success()
    with pytest.raises(ChildError, match="sleep had not ended after 0 s"):
        Child(Command(["sleep", "600"]), tmp_path / "log").wait_for_success(timeout_seconds=0)


def test_a_child_has_the_environment_and_the_cpu_it_was_given(tmp_path: Path) -> None:
    core = min(os.sched_getaffinity(0))
    command = Command(
        [sys.executable, "-c", "import os; print(os.environ['COLOUR'], os.sched_getaffinity(0))"],
        environment={"COLOUR": "green"},
        core=core,
    )
    Child(command, tmp_path / "log").wait_for_success()
    assert tail(tmp_path / "log") == f"green {{{core}}}"


def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    child = Child(Command(["sleep", "600"]), tmp_path / "log")
    child.stop()
    child.stop()
    child.kill()
    assert not child.is_running


def test_a_child_ends_by_sigterm_where_it_can(tmp_path: Path) -> None:
    polite = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit('bye'));"
        "print('up', flush=True); time.sleep(600)"
    )
    child = Child(python(polite), tmp_path / "log")
    child.wait_until(lambda: "up" in tail(child.log_file))
    child.stop()
    assert tail(child.log_file).endswith("bye")


def test_a_free_port_can_be_listened_on() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_an_empty_log_says_so(tmp_path: Path) -> None:
    assert tail(tmp_path / "absent") == "(the log is empty)"

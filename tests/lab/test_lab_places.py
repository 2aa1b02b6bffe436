"""Set-up happens once, whoever asks at the same time, and is reported as it goes."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab import progress
from lab.places import locked

CONTENDER = """
import sys
from pathlib import Path
from lab.places import locked
with locked(Path(sys.argv[1])):
    print('mine', flush=True)
"""


def test_a_second_process_says_that_it_waits_and_waits_for_the_lock(tmp_path: Path) -> None:
    lock_file = tmp_path / "folder" / "build.lock"
    with locked(lock_file):
        contender = subprocess.Popen(
            [sys.executable, "-c", CONTENDER, lock_file],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert contender.stderr is not None
        assert "waiting for another process that holds build.lock" in contender.stderr.readline()
        assert contender.poll() is None
    told, _ = contender.communicate()
    assert told == "mine\n"


def test_a_step_is_announced_and_its_end_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.step("fetching apples"):
        pass
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["lab: fetching apples ...", "lab: fetching apples [0 s] done"]


def test_a_step_that_fails_is_reported_as_failed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), progress.step("fetching pears"):
        raise KeyError
    assert capsys.readouterr().err.endswith("lab: fetching pears [0 s] failed\n")


def test_a_running_step_tells_its_detail() -> None:
    step = progress.Step("building")
    assert step.line("12 packages compiled") == "lab: building [0 s] 12 packages compiled"

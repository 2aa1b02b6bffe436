"""`kill -9` cannot show a missing sync of the disk; a trace of system calls does."""

import re
import subprocess
import sys
from pathlib import Path

from lab import tools
from tests.contract.stores import sqlite_url

ROOT = Path(__file__).resolve().parents[2]
ROWS = 20


def test_the_log_is_synced_before_each_append_is_acknowledged(tmp_path: Path) -> None:
    events = _trace(tmp_path)
    stored = [place for place, event in enumerate(events) if event.startswith("stored")]
    assert len(stored) >= ROWS
    for earlier, later in zip([0, *stored], stored, strict=False):
        between = events[earlier:later]
        assert "synced" in between, f"{events[later]} was said after {between}"
        assert between[::-1].index("synced") < [*between[::-1], "written"].index("written")


def _trace(folder: Path) -> list[str]:
    """Return what happened, in order: `written` and `synced` of the log, `stored N` when said."""
    strace = tools.strace()
    output = folder / "trace"
    calls = "trace=fdatasync,fsync,write,pwrite64"
    victim = [sys.executable, "-m", "tests.contract.store_victim", sqlite_url(folder), "appends"]
    command = [str(strace.program), "-f", "-y", "-e", calls, "-o", str(output), *victim]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=None) as traced:
        assert traced.stdout is not None
        for _ in range(ROWS):
            assert traced.stdout.readline()
        traced.kill()
    return [event for line in output.read_text().splitlines() if (event := _event(line))]


def _event(line: str) -> str:
    """Read a line of strace; a call that another thread interrupted counts where it resumes."""
    if re.search(r"write\(1<.*\"stored \d+", line):
        return re.search(r"stored \d+", line)[0]  # type: ignore[index]
    if "store.db-wal" in line and "pwrite64" in line:
        return "written"
    if re.search(r"fdatasync\(\d+<[^>]*store\.db-wal>\) += 0", line):
        return "synced"
    if re.search(r"<\.\.\. fdatasync resumed>\) += 0", line):
        return "synced"
    return ""

"""`kill -9` cannot show a missing sync of the disk; a trace of system calls does."""

import os
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
    assert sum(event == "stored" for event in events) == ROWS
    unsynced = True
    for event in events:
        if event == "written":
            unsynced = True
        elif event == "synced":
            unsynced = False
        else:
            assert not unsynced, events
            unsynced = True  # the next row needs a sync of its own


def _trace(folder: Path) -> list[str]:
    """Return what happened: `written` and `synced` of the log, `stored` when a row was reported."""
    strace, output = tools.strace(), folder / "trace"
    calls = "trace=fdatasync,fsync,write,pwrite64"
    command: list[str | Path] = [
        strace.program,
        "-f",
        "-y",
        "-e",
        calls,
        "-o",
        output,
        sys.executable,
        "-m",
    ]
    arguments = ["tests.contract.store_victim", sqlite_url(folder), "appends", str(ROWS)]
    environment = {**os.environ, **strace.environment()}
    subprocess.run(
        [*command, *arguments], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
    )
    unfinished: set[str] = set()
    events = (_event(line, unfinished) for line in output.read_text().splitlines())
    return [event for event in events if event]


def _event(line: str, unfinished: set[str]) -> str:
    """Read a line of strace; a sync that other threads interleave with counts where it resumes.

    `unfinished` are the threads that are in one.
    """
    thread = line.split(" ")[0]
    if re.search(r'write\(1<.*"stored \d+', line):
        return "stored"
    if "pwrite64(" in line and "store.db-wal>" in line:
        return "written"
    if re.search(r"sync\(\d+<[^>]*store\.db-wal>", line):
        if line.endswith("<unfinished ...>"):
            unfinished.add(thread)
            return ""
        return "synced" if line.endswith("= 0") else ""
    if "sync resumed>" in line and thread in unfinished:
        unfinished.remove(thread)
        return "synced" if line.endswith("= 0") else ""
    return ""

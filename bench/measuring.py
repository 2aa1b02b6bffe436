"""Figures: quantiles, what a process used, what the operator's metrics say, what the disk costs.

Used by every bench; nothing here decides whether a figure is good.
"""

import math
import os
import re
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SYNC_BYTES: Final = 4096


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of `values` do not exceed; NaN where there are none.

    The nearest-rank method: always one of the values, never between two.
    """
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def peak_memory_mb(pid: int) -> float:
    """Return the most memory that a running process has held, in MB (VmHWM of proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None, "Linux tells VmHWM of every running process"
    return int(found[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a running process has used, its threads' included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sync_seconds(folder: Path, times: int = 200) -> list[float]:
    """Return how long each of some appends of 4 KB took to reach the disk that `folder` is on."""
    file = folder / "fdatasync-probe"
    taken = []
    with file.open("wb", buffering=0) as probe:
        for _ in range(times):
            probe.write(b"\0" * _SYNC_BYTES)
            began = time.perf_counter()
            os.fdatasync(probe.fileno())
            taken.append(time.perf_counter() - began)
    file.unlink()
    return taken


@dataclass(frozen=True, slots=True)
class Scrape:
    """The operator's metrics at one moment, by name and labels as the text format writes them."""

    values: dict[str, float]

    def value(self, name: str) -> float:
        """Return a metric's value, 0 where it has not been counted yet."""
        return self.values.get(name, 0.0)


def scrape(url: str) -> Scrape:
    """Read `/metrics` below a base URL."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return Scrape(parse_metrics(answer.read().decode()))


def parse_metrics(text: str) -> dict[str, float]:
    """Return the samples of Prometheus's text format; comments and blank lines are left out."""
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            samples[name] = float(value)
    return samples


def wait_for(look: Callable[[], bool], timeout_seconds: float, poll_seconds: float = 0.05) -> bool:
    """Look until it is so or the time is over; return which."""
    deadline = time.monotonic() + timeout_seconds
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_seconds)
    return True

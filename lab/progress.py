"""Says on stderr what is being set up, one line a step: minutes of building are not silence."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_TERMINAL_TICK_SECONDS = 1.0
_LOG_TICK_SECONDS = 15.0  # CI logs keep every line: few are enough there


class Step:
    """One running step; `detail` is what its next tick adds to the title, empty for nothing."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self.started_seconds = time.monotonic()

    def line(self, ending: str) -> str:
        """The step's title, its elapsed time in whole seconds and `ending`, as one line."""
        elapsed_seconds = time.monotonic() - self.started_seconds
        return f"lab: {self.title} [{elapsed_seconds:.0f} s]{f' {ending}' if ending else ''}"


def say(text: str) -> None:
    """Prints one line of progress."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Announces a step, ticks while it runs, and says whether it was done or failed, and when.

    On a terminal the line is rewritten each second; in a log a line is added every 15 s.
    """
    running = Step(title)
    finished = threading.Event()
    on_terminal = sys.stderr.isatty()

    def tick() -> None:
        interval_seconds = _TERMINAL_TICK_SECONDS if on_terminal else _LOG_TICK_SECONDS
        while not finished.wait(interval_seconds):
            _show(running.line(running.detail), stays=not on_terminal)

    _show(f"lab: {title} ...", stays=not on_terminal)
    ticker = threading.Thread(target=tick, name="lab-progress", daemon=True)
    ticker.start()
    outcome = "failed"
    try:
        yield running
        outcome = "done"
    finally:
        finished.set()
        ticker.join()
        _show(running.line(outcome), stays=True)


def _show(line: str, *, stays: bool) -> None:
    """Writes a line; on a terminal it replaces what stands there until a line that stays."""
    rewind = "\r\x1b[K" if sys.stderr.isatty() else ""
    print(f"{rewind}{line}", end="\n" if stays else "", file=sys.stderr, flush=True)

"""Where the lab keeps what it has built or unpacked, and the lock for changing it.

Everything lies in `<project>/.lab`, which Git ignores and `make clean` removes.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import progress

PROJECT = Path(__file__).resolve().parent.parent
LAB = PROJECT / ".lab"


@contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Holds an exclusive lock on `lock_file` (made with its folders where absent).

    Processes that want the same thing set up wait here for the first of them, and then find it
    done. The kernel releases the lock when its holder ends, however it ends.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say(f"waiting for another process that holds {lock_file.name}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""`kill -9` in the middle of the store's work: what it acknowledged is there, steps are whole."""

import random
import subprocess
import sys
from pathlib import Path

from tests.contract.store_victim import SIGNALS
from tests.contract.stores import opened, query, signal_key

ROOT = Path(__file__).resolve().parents[2]


def kill_after(url: str, mode: str, lines: int) -> int:
    """Run the victim, kill it once it has said so many lines; return the last number it said."""
    command = [sys.executable, "-m", "tests.contract.store_victim", url, mode, "100000"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        said = [victim.stdout.readline() for _ in range(lines)]
        victim.kill()
        said += victim.stdout.readlines()
    complete = [line for line in said if line.endswith("\n")]
    assert len(complete) >= lines, "the victim ended by itself"
    return int(complete[-1].removeprefix("stored "))


async def test_rows_acknowledged_before_a_kill_are_there_afterwards(store_url: str) -> None:
    last = kill_after(store_url, "appends", random.randint(1, 200))
    async with opened(store_url) as store:
        payloads = [int(row.payload) for row in await store.pending(10_000)]
    assert payloads[: last + 1] == list(range(last + 1))
    assert payloads == list(range(len(payloads)))
    assert len(payloads) <= last + 2  # what was in flight may be there


async def test_a_kill_leaves_every_step_whole_and_in_order(store_url: str) -> None:
    for _ in range(3):
        said = kill_after(store_url, "steps", random.randint(1, 60))
        async with opened(store_url) as store:
            last = int((await store.image()).marks["last"])
            assert said <= last <= said + 1
            newest = {
                number % SIGNALS: b"%d" % number for number in range(max(1, last - 6), last + 1)
            }
            keys = [signal_key(place) for place in range(SIGNALS)]
            assert await store.signals(keys) == {
                signal_key(place): document for place, document in newest.items()
            }
            assert await store.seen("k", [str(place) for place in range(SIGNALS)]) == {
                str(place): document for place, document in newest.items()
            }
            everything = [str(number) for number in range(1, last + 2)]
            assert await store.used_keys(everything) == frozenset(everything[:-1])
            # Row N + 1 is appended while step N is under way, so either may be there alone.
            left = {int(row.payload) for row in await store.pending(10)}
            assert left <= {last, last + 1, last + 2}
        decided = query(store_url, "SELECT document FROM decisions ORDER BY position")
        assert [int(document) for (document,) in decided] == list(range(1, last + 1))

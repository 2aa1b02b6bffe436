"""How large the SQLite store grows in a week at 200 alerts a second, each with a name of its own.

`python -m bench.bench_store_week` writes what such alerts leave behind as fast as the disk takes:
each is accepted, fires for five minutes, resolves, is told in one of 100 groups and dropped, and
has two decisions. A week of that is 60 million alerts; the run ends earlier, some time after the
log of decisions has reached its bound, since everything else was bounded before. Prints the size of
database and log as it goes; exits with 1 where they reach 1 GB or still grow at the bound.
"""

import argparse
import asyncio
import os
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.places import LAB
from tocsin.adapters import store_pruning
from tocsin.adapters.store import SqlStore, open_store
from tocsin.adapters.store_changes import DECISION_OVERHEAD_BYTES
from tocsin.model.records import Decision, Step

LIMIT_BYTES: Final = 10**9
ALERTS_A_SECOND: Final = 200
STEP_SECONDS: Final = 5
STEP_ALERTS: Final = ALERTS_A_SECOND * STEP_SECONDS // 2  # the other half of what comes resolves
FIRING_STEPS: Final = 300 // STEP_SECONDS
PRUNE_STEPS: Final = 60 // STEP_SECONDS
DECISION: Final = b"d" * 56
PAYLOAD: Final = os.urandom(25_000)
PAYLOADS_A_STEP: Final = 16
GROUPS: Final = 100


@dataclass(frozen=True, slots=True)
class Sizes:
    """In bytes. `at_bound` and `later` are the database's, `largest` with its log at the worst."""

    at_bound: int
    later: int
    largest: int

    def are_small(self) -> bool:
        """Whether nothing grew at the bound, and all stayed below the limit."""
        return self.later < 1.05 * self.at_bound and self.largest < LIMIT_BYTES


def main() -> int:
    """Run the simulation; exit code 0 if it stayed small."""
    argparse.ArgumentParser(description=__doc__, prog="bench_store_week").parse_args()
    LAB.mkdir(exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=LAB) as name:
        sizes = asyncio.run(simulate(Path(name), alerts_to_the_bound(), print))
    print(
        f"in {time.monotonic() - started:,.0f} s; the database has {sizes.at_bound / 1e6:,.0f} MB "
        f"at the bound and {sizes.later / 1e6:,.0f} MB later, with its log at most "
        f"{sizes.largest / 1e6:,.0f} MB"
    )
    return 0 if sizes.are_small() else 1


def alerts_to_the_bound() -> int:
    """How many alerts fill the log of decisions."""
    return store_pruning.DECISIONS_BYTES // (len(DECISION) + DECISION_OVERHEAD_BYTES) // 2


async def simulate(folder: Path, alerts: int, say: Callable[[str], None]) -> Sizes:
    """Write so many alerts, which should reach the bound, and a third more."""
    store = await open_store(
        f"sqlite:///{folder / 'store.db'}",
        max_backlog_bytes=2**31,
        min_free_bytes=0,
        decision_seconds=7 * 86400,
    )
    steps = alerts // STEP_ALERTS
    firing: deque[range] = deque()
    at_bound = largest = 0
    for number in range(steps + steps // 3):
        if number == steps:
            at_bound = _database_bytes(folder)
        await _step(store, number, firing)
        if number % PRUNE_STEPS == 0:
            await store.prune(float(number * STEP_SECONDS))
        size_bytes = sum(file.stat().st_size for file in _files(folder))
        largest = max(largest, size_bytes)
        if number % (steps // 8 or 1) == 0:
            hours = number * STEP_SECONDS / 3600
            say(f"{number * STEP_ALERTS:10,} alerts, {hours:.1f} h: {size_bytes / 1e6:,.0f} MB")
    later = _database_bytes(folder)
    await store.close()
    return Sizes(at_bound, later, largest)


def _files(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _database_bytes(folder: Path) -> int:
    """The database as a reader sees it, whatever of it is still in the log; free pages count."""
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        pages = connection.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
    return int(pages[0])


async def _step(store: SqlStore, number: int, firing: deque[range]) -> None:
    """Five seconds: alerts come, are absorbed and told; those of five minutes ago resolve."""
    now = float(number * STEP_SECONDS)
    await asyncio.gather(*(store.append("k", "s", PAYLOAD, now) for _ in range(PAYLOADS_A_STEP)))
    rows = await store.pending(PAYLOADS_A_STEP)
    fresh = range(number * STEP_ALERTS, (number + 1) * STEP_ALERTS)
    firing.append(fresh)
    over = firing.popleft() if len(firing) > FIRING_STEPS else range(0)
    document = now.hex().encode().ljust(500)
    step = Step(
        signals={_id(alert): document for alert in fresh},
        groups={_id(group): document[:250] for group in range(GROUPS)},
        outbox={(_id(group), "#alerts"): document[:400] for group in range(GROUPS)},
        tallies={("ns/receiver", f"#channel-{n}"): document[:100] for n in range(10)},
        decisions=[Decision(now, _id(alert), DECISION) for alert in (*fresh, *over)],
        done_inbox=[row.id for row in rows],
    )
    await store.commit(step)
    if over:
        await store.commit(
            Step(
                signals={_id(alert): document for alert in over},
                drop_signals=[_id(alert) for alert in over],
            )
        )


def _id(number: int) -> Any:
    """Scattered as hashes are."""
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8) + number.to_bytes(8)


if __name__ == "__main__":
    raise SystemExit(main())

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
import tempfile
import time
from collections import deque
from collections.abc import Callable
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


def main() -> int:
    """Run the simulation; exit code 0 if it stayed small."""
    argparse.ArgumentParser(description=__doc__, prog="bench_store_week").parse_args()
    LAB.mkdir(exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=LAB) as name:
        filling, full = asyncio.run(simulate(Path(name), alerts_to_the_bound(), print))
    print(
        f"in {time.monotonic() - started:,.0f} s; database and log took at most "
        f"{filling / 1e6:,.0f} MB on the way to the bound, {full / 1e6:,.0f} MB at it"
    )
    return 0 if full < LIMIT_BYTES and full < 1.1 * filling else 1


def alerts_to_the_bound() -> int:
    """How many alerts fill the log of decisions."""
    return store_pruning.DECISIONS_BYTES // (len(DECISION) + DECISION_OVERHEAD_BYTES) // 2


async def simulate(folder: Path, alerts: int, say: Callable[[str], None]) -> tuple[int, int]:
    """Write so many alerts, and a third more.

    Return the largest size in bytes during each part.
    """
    store = await open_store(
        f"sqlite:///{folder / 'store.db'}",
        max_backlog_bytes=2**31,
        min_free_bytes=0,
        decision_seconds=7 * 86400,
    )
    steps = alerts // STEP_ALERTS
    firing: deque[range] = deque()
    largest = [0, 0]
    for number in range(steps + steps // 3):
        await _step(store, number, firing)
        if number % PRUNE_STEPS == 0:
            await store.prune(float(number * STEP_SECONDS))
        size_bytes = _size_bytes(folder)
        part = int(number >= steps)
        largest[part] = max(largest[part], size_bytes)
        if number % (steps // 8 or 1) == 0:
            hours = number * STEP_SECONDS / 3600
            say(f"{number * STEP_ALERTS:10,} alerts, {hours:.1f} h: {size_bytes / 1e6:,.0f} MB")
    await store.close()
    return largest[0], largest[1]


def _size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


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

"""How large the SQLite store grows in a week at 200 alerts a second, each with a name of its own.

`python bench/bench_store_week.py` writes what such alerts leave behind as fast as the disk takes it:
each is accepted, fires for five minutes, resolves, is told in one of 100 groups and dropped, and has
two decisions. A week of that is 121 million alerts; the run ends earlier, once the log of decisions
has reached its bound and gone round it once more, since nothing grows from then on. Prints the size
of database and log as it goes; exits with 1 where they reach 1 GB or still grow in the second round.
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

from tocsin.adapters.store import SqlStore, open_store
from tocsin.adapters.store_changes import DECISION_OVERHEAD_BYTES
from tocsin.adapters.store_pruning import DECISIONS_BYTES
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
    alerts_a_round = DECISIONS_BYTES // (len(DECISION) + DECISION_OVERHEAD_BYTES) // 2
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name).absolute()
        first, second = asyncio.run(simulate(folder, alerts_a_round, print))
    print(
        f"{2 * alerts_a_round:,} alerts in {time.monotonic() - started:,.0f} s; database and log "
        f"at most {first / 1e6:,.0f} MB in the first round, {second / 1e6:,.0f} MB in the second"
    )
    return 0 if second < LIMIT_BYTES and second < 1.1 * first else 1


async def simulate(
    folder: Path, alerts_a_round: int, say: Callable[[str], None]
) -> tuple[int, int]:
    """Write two rounds of so many alerts; return the largest size in bytes during each."""
    largest = [0, 0]
    store = await open_store(
        f"sqlite:///{folder / 'store.db'}",
        max_backlog_bytes=2**31,
        min_free_bytes=0,
        decision_seconds=7 * 86400,
    )
    firing: deque[range] = deque()
    steps_a_round = alerts_a_round // STEP_ALERTS
    for number in range(2 * steps_a_round):
        await _step(store, number, firing)
        now = float(number * STEP_SECONDS)
        if number % PRUNE_STEPS == 0:
            await store.prune(now)
        size_bytes = sum(file.stat().st_size for file in folder.iterdir())
        which = number // steps_a_round
        largest[which] = max(largest[which], size_bytes)
        if number % (steps_a_round // 5 or 1) == 0:
            say(
                f"{number * STEP_ALERTS:10,} alerts, {now / 3600:5.1f} h: {size_bytes / 1e6:,.0f} MB"
            )
    await store.close()
    return largest[0], largest[1]


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

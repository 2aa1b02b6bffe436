"""What the store does a second, and how long one append takes beside the disk's own sync.

`python -m bench.bench_store [--url URL]` runs on SQLite in a new folder inside the project (so that
it measures a disk, not a memory file system), or on the database of `--url`, which it fills. The
event loop is busy as in service: each payload is decoded before it is appended. Prints; exits with
1 below `--append-floor` appends or `--upsert-floor` upserts a second.
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from lab.places import LAB
from tocsin.adapters.store import SqlStore, open_store
from tocsin.model.records import Decision, Step

PAYLOAD_ALERTS: Final = 64
DOCUMENT: Final = os.urandom(500)


def main() -> int:
    """Run the measurements; exit code 0 if the floors were reached."""
    parser = argparse.ArgumentParser(description=__doc__, prog="bench_store")
    parser.add_argument("--url", default="")
    parser.add_argument("--append-floor", type=float, default=1_500)
    parser.add_argument("--upsert-floor", type=float, default=10_000)
    options = parser.parse_args()
    LAB.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LAB) as name:
        folder = Path(name)
        url = options.url or f"sqlite:///{folder / 'store.db'}"
        appends, upserts = asyncio.run(measure(url, folder))
    return 0 if appends >= options.append_floor and upserts >= options.upsert_floor else 1


async def measure(url: str, folder: Path) -> tuple[float, float]:
    """Print everything; return appends and upserts a second."""
    store = await open_store(
        url, max_backlog_bytes=2**31, min_free_bytes=0, decision_seconds=7 * 86400
    )
    try:
        await _latency(store, folder)
        appends = await _appends(store, clients=32, count=4_000)
        await _appends(store, clients=4, count=2_000)
        await _single_steps(store, clients=64, count=6_000)
        upserts = await _wide_steps(store, signals=256, count=200)
        await _reads(store)
    finally:
        await store.close()
    return appends, upserts


async def _latency(store: SqlStore, folder: Path) -> None:
    """One small append at a time, each beside a sync of the same disk."""
    syncs, appends, commits = list[float](), list[float](), list[float]()
    descriptor = os.open(folder / "sync", os.O_RDWR | os.O_CREAT)
    payload, row = os.urandom(700), 0
    for number in range(600):
        os.pwrite(descriptor, DOCUMENT, 0)
        started = time.perf_counter()
        os.fdatasync(descriptor)
        syncs.append(time.perf_counter() - started)
        started = time.perf_counter()
        await store.append("bench", "", payload, time.time())
        appends.append(time.perf_counter() - started)
        row = (await store.pending(1))[0].id
        step = _step([number], number)
        step.done_inbox.append(row)
        started = time.perf_counter()
        await store.commit(step)
        commits.append(time.perf_counter() - started)
    os.close(descriptor)
    print(f"fdatasync                 {_quantiles(syncs)}")
    print(f"one append of 0.7 KB      {_quantiles(appends)}")
    print(f"its step                  {_quantiles(commits)}")


async def _appends(store: SqlStore, clients: int, count: int) -> float:
    payload = _payload()
    times: list[float] = []

    async def client() -> None:
        for _ in range(count // clients):
            msgspec.json.decode(payload)
            started = time.perf_counter()
            await store.append("bench", "", payload, time.time())
            times.append(time.perf_counter() - started)
            await asyncio.sleep(0)

    seconds, cpu_seconds = await _timed(client, clients)
    drained, _ = await _timed(lambda: _drain(store), 1)
    rate = count / seconds
    print(
        f"appends of {len(payload) / 1000:.0f} KB, {clients:2} clients {rate:7,.0f} a second, "
        f"{cpu_seconds / count * 1e6:.0f} µs of CPU each, {_quantiles(times)}; "
        f"drained at {count / drained:,.0f} a second"
    )
    return rate


async def _drain(store: SqlStore) -> None:
    while rows := await store.pending(16):
        await store.commit(Step(done_inbox=[row.id for row in rows]))


async def _single_steps(store: SqlStore, clients: int, count: int) -> None:
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            await store.commit(_step([number % 2_000], number))

    seconds, cpu_seconds = await _timed(client, clients)
    print(
        f"steps of one signal, {clients} clients {count / seconds:9,.0f} a second, "
        f"{cpu_seconds / count * 1e6:.0f} µs of CPU each (3 upserts and a decision)"
    )


async def _wide_steps(store: SqlStore, signals: int, count: int) -> float:
    async def client() -> None:
        for number in range(count):
            first = number * signals % 20_000
            await store.commit(_step(range(first, first + signals), number))

    seconds, cpu_seconds = await _timed(client, 1)
    rows = count * (signals + 2)
    print(
        f"steps of {signals} signals, one by one {count / seconds:7,.0f} a second: "
        f"{rows / seconds:,.0f} upserts a second, {cpu_seconds / rows * 1e6:.0f} µs of CPU each"
    )
    return rows / seconds


async def _reads(store: SqlStore) -> None:
    ids = [_id(number) for number in range(1_000)]
    started = time.perf_counter()
    found = await store.signals(ids)
    looked_up = time.perf_counter()
    scanned = 0
    async for chunk in store.scan_signals():
        scanned += len(chunk)
    print(
        f"{len(found):,} signals looked up in {(looked_up - started) * 1e3:.1f} ms; "
        f"{scanned:,} scanned in {(time.perf_counter() - looked_up) * 1e3:.1f} ms"
    )


def _step(numbers: Sequence[int], version: int) -> Step:
    """What absorbing signals writes: their texts, a group, an outbox entry, decisions."""
    group = _id(version % 100 + 10**6)
    document = version.to_bytes(8) + DOCUMENT
    return Step(
        signals={_id(number): document for number in numbers},
        groups={group: document[:200]},
        outbox={(group, "#alerts"): document[:300]},
        decisions=[Decision(time.time(), _id(number), DOCUMENT[:50]) for number in numbers],
    )


def _id(number: int) -> Any:
    """Scattered as hashes are."""
    return (number * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8) + number.to_bytes(8)


def _payload() -> bytes:
    labels = {f"label_{number}": f"value-{number}" for number in range(8)}
    annotations = {"summary": "s" * 60, "description": "d" * 60}
    alert = {"labels": labels, "annotations": annotations, "generatorURL": "http://p/graph"}
    return msgspec.json.encode([alert] * PAYLOAD_ALERTS)


async def _timed(client: Callable[[], Awaitable[None]], clients: int) -> tuple[float, float]:
    """Run clients side by side; return seconds by the clock and of this process's CPU time."""
    started, cpu_started = time.perf_counter(), time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - started, time.process_time() - cpu_started


def _quantiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1e3:.2f} p99 {cuts[98] * 1e3:.2f} max {max(seconds) * 1e3:.1f} ms"


if __name__ == "__main__":
    raise SystemExit(main())

"""The database stays small however long alerts come: the bench's week, in small."""

from pathlib import Path

import pytest

from bench.bench_store_week import alerts_to_the_bound, simulate
from tocsin.adapters import store_pruning


async def test_database_and_log_stop_growing_once_the_decisions_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_pruning, "DECISIONS_BYTES", 60_000 * 120)
    sizes = await simulate(tmp_path, 2 * alerts_to_the_bound(), lambda _: None)
    assert sizes.later < 1.05 * sizes.at_bound, sizes
    assert sizes.largest < 80_000_000

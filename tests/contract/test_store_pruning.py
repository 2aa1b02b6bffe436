"""What the store forgets because it is old, on SQLite and on PostgreSQL."""

import pytest

from tests.contract.stores import DAY, NOW, append, opened, query, signal_key
from tocsin.adapters import store_pruning
from tocsin.adapters.store_changes import DECISION_OVERHEAD_BYTES
from tocsin.model.records import Decision, Step


async def test_old_decisions_are_pruned_in_bites(store_url: str) -> None:
    old = [Decision(NOW, signal_key(number), b"old") for number in range(2500)]
    kept = Decision(NOW + 6 * DAY, signal_key(1), b"kept")
    async with opened(store_url) as store:
        await store.commit(Step(decisions=[*old, kept]))
        assert await store.prune(NOW + 7 * DAY) == 0
        assert await store.prune(NOW + 7 * DAY + 1) == 2500
        assert await store.prune(NOW + 7 * DAY + 1) == 0
    assert query(store_url, "SELECT document FROM decisions") == [(b"kept",)]


async def test_keys_and_rejected_rows_are_pruned_after_a_week(store_url: str) -> None:
    async with opened(store_url, clock=lambda: NOW, decision_seconds=30 * DAY) as store:
        rows = await append(store, b"poison")
        await store.commit(
            Step(keys={"old": NOW, "new": NOW + 1}, rejected_inbox={rows[0].id: "bad"})
        )
        assert await store.prune(NOW + 7 * DAY) == 0
        assert await store.prune(NOW + 7 * DAY + 0.5) == 2
        assert await store.used_keys(["old", "new"]) == {"new"}
    assert query(store_url, "SELECT count(*) FROM rejected") == [(0,)]


async def test_rejected_payloads_are_bounded_in_bytes_the_oldest_going_first(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_pruning, "REJECTED_BYTES", 60)
    async with opened(store_url, clock=lambda: NOW) as store:
        rows = await append(store, *(b"%d" % number + bytes(9) for number in range(8)))
        await store.commit(Step(rejected_inbox=dict.fromkeys([row.id for row in rows], "bad")))
        assert await store.prune(NOW) == 2
    assert query(store_url, "SELECT id FROM rejected ORDER BY id") == [
        (row.id,) for row in rows[2:]
    ]


async def test_decisions_are_bounded_in_bytes_the_oldest_going_first(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size_bytes = 36 + DECISION_OVERHEAD_BYTES
    monkeypatch.setattr(store_pruning, "DECISIONS_BYTES", 100 * size_bytes)
    decisions = [Decision(NOW, signal_key(number), bytes(36)) for number in range(2500)]
    async with opened(store_url) as store:
        await store.commit(Step(decisions=decisions))
        assert await store.prune(NOW) == 2399
    assert query(store_url, "SELECT count(*), max(position) - min(position) FROM decisions") == [
        (101, 100 * size_bytes)
    ]


async def test_the_log_of_decisions_goes_on_after_a_restart(store_url: str) -> None:
    for life in (b"first", b"second"):
        async with opened(store_url) as store:
            for document in (life, life + b" again"):
                await store.commit(Step(decisions=[Decision(NOW, signal_key(1), document)]))
    assert query(store_url, "SELECT document FROM decisions ORDER BY position") == [
        (b"first",),
        (b"first again",),
        (b"second",),
        (b"second again",),
    ]

"""The inbox as `pipeline.ports.Store` promises it, on SQLite and on PostgreSQL."""

import asyncio

import pytest

from tests.contract.stores import BROKEN, NOW, append, drain, opened, query
from tocsin.adapters.store import SqlStore
from tocsin.errors import StoreUnavailable
from tocsin.model.records import Backlog, InboxRow, Step


async def test_appended_payloads_are_pending_oldest_first(store: SqlStore) -> None:
    await store.append("alertmanager/v2", "10.0.0.1", b"first", NOW)
    await store.append("alertmanager/v4", "", b"\x00\xff", NOW + 1)
    first, second = await store.pending(10)
    assert first == InboxRow(first.id, NOW, "alertmanager/v2", "10.0.0.1", b"first", 0)
    assert second == InboxRow(second.id, NOW + 1, "alertmanager/v4", "", b"\x00\xff", 0)


async def test_concurrent_appends_are_all_stored_in_their_order(store: SqlStore) -> None:
    payloads = [str(number).encode() for number in range(200)]
    await asyncio.gather(*(store.append("k", "s", payload, NOW) for payload in payloads))
    assert [row.payload for row in await store.pending(1000)] == payloads


async def test_pending_is_limited_and_reads_by_presence(store: SqlStore) -> None:
    rows = await append(store, b"1", b"2", b"3")
    assert await store.pending(2) == rows[:2]
    assert await store.pending(2) == rows[:2]


async def test_pending_rows_survive_a_restart(store_url: str) -> None:
    async with opened(store_url) as store:
        rows = await append(store, b"1", b"2")
        await store.commit(Step(done_inbox=[rows[0].id]))
    async with opened(store_url) as store:
        assert await store.pending(10) == rows[1:]
        assert store.backlog() == Backlog(1, 1, NOW)
        later = await append(store, b"3")
        assert [row.payload for row in later] == [b"2", b"3"]


async def test_a_row_is_hidden_as_soon_as_a_step_that_removes_it_is_submitted(
    store: SqlStore,
) -> None:
    rows = await append(store, b"1", b"2", b"3")
    step = asyncio.create_task(
        store.commit(Step(done_inbox=[rows[0].id], rejected_inbox={rows[1].id: "bad"}))
    )
    await asyncio.sleep(0)
    assert not step.done()
    assert await store.pending(10) == rows[2:]
    await step
    assert await store.pending(10) == rows[2:]


async def test_rows_of_a_step_that_failed_are_pending_again_in_their_place(
    store: SqlStore,
) -> None:
    rows = await append(store, b"1", b"2")
    with pytest.raises(StoreUnavailable):
        await store.commit(Step(done_inbox=[rows[0].id], marks=BROKEN.marks))
    assert await store.pending(10) == rows
    assert store.backlog().rows == 2


async def test_failures_of_a_row_are_counted_and_survive_a_restart(store_url: str) -> None:
    async with opened(store_url) as store:
        rows = await append(store, b"1", b"2")
        await store.commit(Step(failed_inbox=[rows[0].id]))
        await store.commit(Step(failed_inbox=[rows[0].id]))
        assert [row.attempts for row in await store.pending(10)] == [2, 0]
    async with opened(store_url) as store:
        assert [row.attempts for row in await store.pending(10)] == [2, 0]


async def test_a_rejected_row_moves_aside_with_its_reason(store_url: str) -> None:
    async with opened(store_url, clock=lambda: NOW + 5) as store:
        rows = await append(store, b"poison", b"good")
        await store.commit(Step(rejected_inbox={rows[0].id: "ValueError: no labels"}))
        assert await store.pending(10) == rows[1:]
        assert store.backlog() == Backlog(1, 4, NOW)
    columns = "id, rejected_at, reason, accepted_at, kind, sender, payload"
    reason = "ValueError: no labels"
    assert query(store_url, f"SELECT {columns} FROM rejected") == [
        (rows[0].id, NOW + 5, reason, NOW, "alertmanager/v2", "10.0.0.1", b"poison")
    ]


async def test_a_rejected_rows_number_is_not_given_to_another(store_url: str) -> None:
    for _ in range(2):
        async with opened(store_url) as store:
            rows = await append(store, b"poison")
            await store.commit(Step(rejected_inbox={rows[0].id: "bad"}))
    assert query(store_url, "SELECT count(*) FROM rejected") == [(2,)]


async def test_a_reason_that_quotes_anything_at_all_can_be_stored(store_url: str) -> None:
    async with opened(store_url) as store:
        rows = await append(store, b"poison")
        token = "xoxb-" + "1234567890-abcdef"
        reason = f"KeyError: '\x00 \ud800 {token} {'long ' * 1000}'"
        await store.commit(Step(rejected_inbox={rows[0].id: reason}))
    [(stored,)] = query(store_url, "SELECT reason FROM rejected")
    assert stored.startswith("KeyError: '\ufffd ? [redacted] long")
    assert len(stored) == 1000


async def test_rows_can_be_waited_for(store: SqlStore) -> None:
    waiting = asyncio.create_task(store.wait_for_rows())
    await asyncio.sleep(0)
    assert not waiting.done()
    rows = await append(store, b"1")
    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(store.wait_for_rows(), 5)
    await store.commit(Step(done_inbox=[rows[0].id]))
    waiting = asyncio.create_task(store.wait_for_rows())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_the_backlog_is_summed_up(store: SqlStore) -> None:
    assert store.backlog() == Backlog(0, 0, None)
    rows = await append(store, b"12345", accepted_at=NOW + 1)
    await append(store, b"678", accepted_at=NOW + 2)
    assert store.backlog() == Backlog(2, 8, NOW + 1)
    await store.commit(Step(done_inbox=[rows[0].id]))
    assert store.backlog() == Backlog(1, 3, NOW + 2)


async def test_a_backlog_beyond_memory_is_read_back_in_order(store_url: str) -> None:
    payloads = [number.to_bytes(4) + bytes(2**20) for number in range(40)]
    async with opened(store_url) as store:
        await asyncio.gather(*(store.append("k", "s", payload, NOW) for payload in payloads))
        seen = await drain(store, together=3)
        assert seen == payloads
        assert store.backlog() == Backlog(0, 0, None)
        await append(store, *payloads[:30])
    async with opened(store_url) as store:
        assert store.backlog() == Backlog(30, 30 * len(payloads[0]), NOW)
        assert await drain(store, together=16) == payloads[:30]


async def test_a_payload_larger_than_what_memory_keeps_is_served(store: SqlStore) -> None:
    payloads = [b"small", bytes(17 * 2**20), b"after"]
    await append(store, *payloads)
    assert await drain(store, together=10) == payloads
    assert store.backlog().rows == 0


async def test_a_backlog_at_its_limit_refuses_rows_but_no_steps(store_url: str) -> None:
    async with opened(store_url, max_backlog_bytes=10) as store:
        rows = await append(store, b"12345")
        with pytest.raises(StoreUnavailable, match="which is the limit"):
            await store.append("k", "s", b"123456", NOW)
        assert store.can_store() == ""
        await append(store, b"67890")
        assert "which is the limit" in store.can_store()
        await store.commit(Step(done_inbox=[rows[0].id]))
        assert store.can_store() == ""
        await append(store, b"12345")


async def test_rows_on_their_way_count_towards_the_limit(store_url: str) -> None:
    async with opened(store_url, max_backlog_bytes=10) as store:
        outcomes = await asyncio.gather(
            *(store.append("k", "s", b"123456", NOW) for _ in range(2)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), StoreUnavailable]

"""What `pipeline.ports.Store` promises, on SQLite and on PostgreSQL."""

import asyncio
import inspect

import msgspec
import pytest

from tests.contract.stores import (
    DAY,
    NOW,
    append,
    entry,
    group,
    group_key,
    opened,
    query,
    signal_key,
)
from tocsin.adapters import store_pruning
from tocsin.adapters.store import SqlStore
from tocsin.adapters.store_changes import DECISION_OVERHEAD_BYTES
from tocsin.errors import StoreIncompatible, StoreUnavailable
from tocsin.model.records import Backlog, Decision, InboxRow, Step
from tocsin.model.signal import SignalId
from tocsin.pipeline.ports import Store

BROKEN = Step(
    signals={signal_key(999): b"half of it"},
    marks={"broken": 1j},  # type: ignore[dict-item]  # no driver can send that
)

encode = msgspec.msgpack.encode


def test_every_method_of_the_port_is_there_with_its_parameters() -> None:
    for name, method in inspect.getmembers(Store, inspect.isfunction):
        if not name.startswith("_"):
            own = inspect.signature(getattr(SqlStore, name))
            assert own.parameters == inspect.signature(method).parameters, name


# The inbox.


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
    assert query(store_url, f"SELECT {columns} FROM rejected") == [
        (
            rows[0].id,
            NOW + 5,
            "ValueError: no labels",
            NOW,
            "alertmanager/v2",
            "10.0.0.1",
            b"poison",
        )
    ]
    async with opened(store_url) as store:
        (again,) = [row for row in await append(store, b"next") if row.payload == b"next"]
        assert again.id != rows[0].id


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
        seen = await _drain(store, together=3)
        assert seen == payloads
        assert store.backlog() == Backlog(0, 0, None)
        await append(store, *payloads[:30])
    async with opened(store_url) as store:
        assert store.backlog() == Backlog(30, 30 * len(payloads[0]), NOW)
        assert await _drain(store, together=16) == payloads[:30]


async def test_a_payload_larger_than_what_memory_keeps_is_served(store: SqlStore) -> None:
    payloads = [b"small", bytes(17 * 2**20), b"after"]
    await append(store, *payloads)
    assert await _drain(store, together=10) == payloads
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


# Steps.


async def test_all_that_a_step_decides_is_stored(store_url: str) -> None:
    step = Step(
        signals={signal_key(1): b"one"},
        groups={group_key(1): encode(group(1))},
        outbox={(group_key(1), "#größer"): encode(entry(1, "#größer"))},
        seen={("events", "uid-1"): b"17"},
        keys={"audit-1/ResponseComplete": NOW},
        tallies={("payments/oncall", "#ops"): b"tally"},
        marks={"snapshot": b"packed"},
        decisions=[Decision(NOW, signal_key(1), b"why"), Decision(NOW, group_key(1), b"so")],
    )
    async with opened(store_url) as store:
        await store.commit(step)
    async with opened(store_url) as store:
        image = await store.image()
        assert image.groups == [group(1)]
        assert image.outbox == [entry(1, "#größer")]
        assert image.marks == {"snapshot": b"packed"}
        assert image.tallies == {("payments/oncall", "#ops"): b"tally"}
        assert await store.signals([signal_key(1), signal_key(2)]) == {signal_key(1): b"one"}
        assert await store.seen("events", ["uid-1", "uid-2"]) == {"uid-1": b"17"}
        assert await store.seen("rules", ["uid-1"]) == {}
        assert await store.used_keys(["audit-1/ResponseComplete", "other"]) == {
            "audit-1/ResponseComplete"
        }
    assert query(store_url, "SELECT at, subject, document FROM decisions ORDER BY position") == [
        (NOW, signal_key(1), b"why"),
        (NOW, group_key(1), b"so"),
    ]


async def test_a_newer_document_takes_the_older_ones_place(store: SqlStore) -> None:
    for version in (1, 2):
        changed = group(1)
        changed.version = version
        await store.commit(
            Step(
                signals={signal_key(1): b"version %d" % version},
                groups={group_key(1): encode(changed)},
                seen={("events", "u"): b"%d" % version},
                marks={"m": b"%d" % version},
            )
        )
    assert await store.signals([signal_key(1)]) == {signal_key(1): b"version 2"}
    assert [stored.version for stored in (await store.image()).groups] == [2]
    assert await store.seen("events", ["u"]) == {"u": b"2"}
    assert (await store.image()).marks == {"m": b"2"}


async def test_dropped_documents_are_gone(store: SqlStore) -> None:
    keys = [(group_key(1), "#a"), (group_key(1), "#b")]
    await store.commit(
        Step(
            signals={signal_key(1): b"1", signal_key(2): b"2"},
            groups={group_key(1): encode(group(1))},
            outbox={(key, channel): encode(entry(1, channel)) for key, channel in keys},
            seen={("events", "u"): b"1"},
            marks={"m": b"1"},
        )
    )
    await store.commit(
        Step(
            drop_signals=[signal_key(1)],
            drop_groups=[group_key(1)],
            drop_outbox=keys[:1],
            seen={("events", "u"): None},
            marks={"m": None},
        )
    )
    image = await store.image()
    assert (image.groups, image.marks) == ([], {})
    assert [stored.channel for stored in image.outbox] == ["#b"]
    assert await store.signals([signal_key(1), signal_key(2)]) == {signal_key(2): b"2"}
    assert await store.seen("events", ["u"]) == {}


async def test_within_a_step_a_drop_follows_the_upsert(store: SqlStore) -> None:
    key = signal_key(1)
    await store.commit(Step(signals={key: b"1"}, drop_signals=[key]))
    assert await store.signals([key]) == {}


async def test_steps_apply_in_the_order_in_which_they_were_submitted(store: SqlStore) -> None:
    key = signal_key(1)
    steps = [Step(marks={"last": b"%d" % number}) for number in range(100)]
    steps += [Step(signals={key: b"1"}), Step(drop_signals=[key]), Step(signals={key: b"2"})]
    await asyncio.gather(*(store.commit(step) for step in steps))
    assert (await store.image()).marks == {"last": b"99"}
    assert await store.signals([key]) == {key: b"2"}


async def test_reads_see_every_step_that_was_submitted_before_them(store: SqlStore) -> None:
    key = signal_key(1)
    step = asyncio.create_task(store.commit(Step(signals={key: b"1"}, keys={"k": NOW})))
    await asyncio.sleep(0)
    assert not step.done()
    assert await store.signals([key]) == {key: b"1"}
    assert await store.used_keys(["k"]) == {"k"}
    await step


async def test_a_step_whose_statements_fail_takes_nobody_else_with_it(store: SqlStore) -> None:
    outcomes = await asyncio.gather(
        store.append("k", "s", b"before", NOW),
        store.commit(Step(marks={"before": b"1"})),
        store.commit(BROKEN),
        store.commit(Step(marks={"after": b"1"})),
        store.append("k", "s", b"after", NOW),
        return_exceptions=True,
    )
    assert [type(outcome).__name__ for outcome in outcomes] == [
        *["NoneType"] * 2,
        "StoreUnavailable",
        *["NoneType"] * 2,
    ]
    assert (await store.image()).marks == {"before": b"1", "after": b"1"}
    assert await store.signals(BROKEN.signals) == {}
    assert [row.payload for row in await store.pending(10)] == [b"before", b"after"]
    assert store.can_store() == ""


async def test_a_step_that_fails_alone_leaves_nothing_behind(store: SqlStore) -> None:
    with pytest.raises(StoreUnavailable, match=r"not stored: .*complex"):
        await store.commit(BROKEN)
    assert (await store.image()).marks == {}
    assert await store.signals(BROKEN.signals) == {}
    await store.commit(Step(marks={"m": b"1"}))
    assert (await store.image()).marks == {"m": b"1"}


async def test_a_caller_that_gives_up_takes_nothing_back(store: SqlStore) -> None:
    step = asyncio.create_task(store.commit(Step(marks={"m": b"1"})))
    row = asyncio.create_task(store.append("k", "s", b"1", NOW))
    await asyncio.sleep(0)
    step.cancel()
    row.cancel()
    await asyncio.gather(step, row, return_exceptions=True)
    assert step.cancelled()
    assert row.cancelled()
    await store.commit(Step())  # what was submitted before it is on disk now
    assert (await store.image()).marks == {"m": b"1"}
    assert [row.payload for row in await append(store)] == [b"1"]


async def test_idempotency_keys_may_hold_anything_and_keep_their_first_use(
    store_url: str,
) -> None:
    keys = ["plain", "nul\x00", "half \ud800", "long" * 1000]
    async with opened(store_url) as store:
        await store.commit(Step(keys=dict.fromkeys(keys, NOW)))
        await store.commit(Step(keys={"plain": NOW + 1}))
        assert await store.used_keys([*keys, "nul", "half ?"]) == frozenset(keys)
    assert query(store_url, "SELECT DISTINCT used_at FROM keys") == [(NOW,)]


async def test_a_group_that_cannot_be_unpacked_is_named(store: SqlStore) -> None:
    await store.commit(Step(groups={group_key(1): b"\xc1"}))
    with pytest.raises(StoreIncompatible, match="table groups cannot be read"):
        await store.image()


# Reading many.


async def test_a_scan_yields_every_signal_in_chunks(store: SqlStore) -> None:
    signals = {signal_key(number * 7919 % 4001): b"%d" % number for number in range(1, 1201)}
    await store.commit(Step(signals=signals))
    chunks = [chunk async for chunk in store.scan_signals()]
    assert [len(chunk) for chunk in chunks] == [500, 500, 200]
    assert {key: document for chunk in chunks for key, document in chunk} == signals


async def test_steps_commit_while_a_scan_is_under_way(store: SqlStore) -> None:
    await store.commit(Step(signals={signal_key(number): b"old" for number in range(1500)}))
    found: dict[SignalId, bytes] = {}
    async for chunk in store.scan_signals():
        found.update(chunk)
        first = {signal_key(number): b"new" for number in range(1500)}
        await store.commit(Step(signals=first, drop_signals=[signal_key(0)]))
    assert found.keys() == {signal_key(number) for number in range(1500)}


async def test_thousands_of_signals_can_be_looked_up(store: SqlStore) -> None:
    signals = {signal_key(number): b"%d" % number for number in range(2500)}
    await store.commit(Step(signals=signals))
    assert await store.signals(iter(signals)) == signals
    assert await store.signals([]) == {}


# Pruning.


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


# Opening and closing.


async def test_a_second_process_is_refused(store_url: str) -> None:
    async with opened(store_url) as store:
        with pytest.raises(StoreIncompatible, match="in use by another"):
            await _open_and_close(store_url)
        await store.commit(Step(marks={"m": b"1"}))
    await _open_and_close(store_url)


async def test_closing_commits_what_was_submitted_and_then_takes_nothing(store_url: str) -> None:
    async with opened(store_url) as store:
        submitted = [
            asyncio.create_task(store.append("k", "s", b"%d" % number, NOW)) for number in range(9)
        ]
        await asyncio.sleep(0)
        await asyncio.gather(store.close(), *submitted)
        await store.close()
        assert store.can_store() == "the store is closed"
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.append("k", "s", b"late", NOW)
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.commit(Step())
    async with opened(store_url) as store:
        assert store.backlog().rows == 9


async def test_a_newer_schema_is_refused_naming_both_versions(store_url: str) -> None:
    await _open_and_close(store_url)
    query(store_url, "UPDATE schema_version SET version_num = '0999'")
    with pytest.raises(StoreIncompatible, match=r"schema version 0999, and the newest .* is 0001"):
        await _open_and_close(store_url)
    assert query(store_url, "SELECT version_num FROM schema_version") == [("0999",)]


async def _open_and_close(url: str) -> None:
    async with opened(url):
        pass


async def _drain(store: SqlStore, together: int) -> list[bytes]:
    """Take everything out, so many rows a step, with steps submitted ahead."""
    seen: list[bytes] = []
    steps: list[asyncio.Task[None]] = []
    while rows := await store.pending(together):
        seen += [row.payload for row in rows]
        steps.append(asyncio.create_task(store.commit(Step(done_inbox=[row.id for row in rows]))))
        await asyncio.sleep(0)
    await asyncio.gather(*steps)
    return seen

"""What `pipeline.ports.Store` promises, on SQLite and on PostgreSQL."""

import asyncio
import inspect

import msgspec
import pytest

from tests.contract.stores import (
    BROKEN,
    NOW,
    append,
    entry,
    group,
    group_key,
    opened,
    query,
    signal_key,
    writes_held_up,
)
from tocsin.adapters.store import SqlStore
from tocsin.errors import StoreIncompatible, StoreUnavailable
from tocsin.model.records import Decision, Step
from tocsin.model.signal import SignalId
from tocsin.pipeline.ports import Store

encode = msgspec.msgpack.encode


def test_every_method_of_the_port_is_there_with_its_parameters() -> None:
    for name, method in inspect.getmembers(Store, inspect.isfunction):
        if not name.startswith("_"):
            own = inspect.signature(getattr(SqlStore, name))
            assert own.parameters == inspect.signature(method).parameters, name


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


@pytest.mark.parametrize("gives_up", [False, True], ids=["waiting", "given-up"])
async def test_reads_see_every_step_that_was_submitted_before_them(
    store: SqlStore, store_url: str, gives_up: bool
) -> None:
    key = signal_key(1)
    with writes_held_up(store_url):
        step = asyncio.create_task(store.commit(Step(signals={key: b"1"}, keys={"k": NOW})))
        await asyncio.sleep(0)
        if gives_up:
            step.cancel()
        reads = asyncio.gather(store.signals([key]), store.used_keys(["k"]))
        await asyncio.sleep(0.1)  # long enough for a read that does not wait
        assert not reads.done()
    documents, used = await reads
    assert documents == {key: b"1"}
    assert used == {"k"}
    await asyncio.wait([step])
    assert step.cancelled() == gives_up


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

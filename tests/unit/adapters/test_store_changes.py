from typing import Any

import pytest
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from tocsin.adapters.store_changes import DECISION_OVERHEAD_BYTES, Changes
from tocsin.adapters.store_statements import Statements, compile_statements
from tocsin.model.records import Decision, InboxRow, Step
from tocsin.model.signal import SignalId

NOW = 1_800_000_000.0
A, B = SignalId(b"a" * 16), SignalId(b"b" * 16)
ROW = InboxRow(7, NOW, "k", "s", b"payload")


@pytest.fixture(scope="module")
def statements() -> Statements:
    return compile_statements(SQLiteDialect_pysqlite())


class Cursor:
    """Takes down what it is asked to run."""

    def __init__(self) -> None:
        self.ran: dict[str, list[Any]] = {}

    def executemany(self, text: str, rows: Any) -> None:
        assert text not in self.ran, "one call for each statement"
        self.ran[text] = list(rows)


def written(statements: Statements, *changes: InboxRow | Step) -> dict[str, list[Any]]:
    merged = Changes(NOW, position=1000)
    for change in changes:
        merged.add(change)
    cursor = Cursor()
    merged.write(cursor, statements)  # type: ignore[arg-type]
    return cursor.ran


def test_nothing_is_run_for_nothing(statements: Statements) -> None:
    assert written(statements) == {}
    assert written(statements, Step()) == {}


def test_of_several_upserts_of_a_key_the_last_is_written(statements: Statements) -> None:
    ran = written(statements, Step(signals={A: b"1", B: b"1"}), Step(signals={A: b"2"}))
    assert ran == {statements.upserts["signals"]: [(A, b"2"), (B, b"1")]}


def test_a_drop_and_an_upsert_of_a_key_apply_in_order(statements: Statements) -> None:
    upsert, drop = Step(marks={"m": b"1"}), Step(marks={"m": None})
    assert written(statements, upsert, drop) == {statements.deletes["marks"]: [("m",)]}
    assert written(statements, drop, upsert) == {statements.upserts["marks"]: [("m", b"1")]}


def test_composite_keys_are_spread_over_their_columns(statements: Statements) -> None:
    ran = written(statements, Step(seen={("events", "u"): b"1", ("events", "v"): None}))
    assert ran == {
        statements.upserts["seen"]: [("events", "u", b"1")],
        statements.deletes["seen"]: [("events", "v")],
    }


def test_a_row_leaves_the_inbox_once_for_the_first_reason_given(statements: Statements) -> None:
    ran = written(
        statements,
        ROW,
        Step(failed_inbox=[7, 8]),
        Step(done_inbox=[7]),
        Step(rejected_inbox={7: "x", 8: "y"}),
    )
    assert list(ran) == [statements.append, statements.fail, statements.reject, statements.remove]
    assert ran[statements.append] == [(7, NOW, "k", "s", b"payload", 0)]
    assert ran[statements.fail] == [(7,), (8,)]
    assert ran[statements.reject] == [(NOW, "y", 8)]
    assert ran[statements.remove] == [(7,), (8,)]


def test_a_decisions_position_counts_the_bytes_before_it(statements: Statements) -> None:
    decisions = [Decision(NOW, A, b"12345"), Decision(NOW, B, b"")]
    ran = written(statements, Step(decisions=decisions[:1]), Step(decisions=decisions[1:]))
    second = 1000 + 5 + DECISION_OVERHEAD_BYTES
    assert ran == {statements.decide: [(1000, NOW, A, b"12345"), (second, NOW, B, b"")]}


def test_keys_keep_their_first_use(statements: Statements) -> None:
    ran = written(statements, Step(keys={"k": 1.0}), Step(keys={"k": 2.0}))
    [[(digest, used_at)]] = ran.values()
    assert (len(digest), used_at) == (16, 1.0)


def test_statements_take_parameters_by_position_in_both_dialects() -> None:
    sqlite = compile_statements(SQLiteDialect_pysqlite())
    postgres = compile_statements(PGDialect_psycopg())  # type: ignore[no-untyped-call]
    assert sqlite.append.count("?") == postgres.append.count("%s") == 6
    assert sqlite.reject.count("?") == postgres.reject.count("%s") == 3
    assert sqlite.upserts["outbox"].count("?") == 3
    assert "ON CONFLICT (group_id, channel) DO UPDATE" in postgres.upserts["outbox"]
    assert sqlite.use_key.endswith("ON CONFLICT DO NOTHING")

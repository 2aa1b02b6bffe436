"""The SQL that is run for many rows at a time, compiled once from SQLAlchemy's expressions.

In: a dialect. Out: texts for the driver's `executemany`, parameters by position. Used by
`store_changes`. (SQLAlchemy's own `execute` costs 10 to 17 µs a row, the driver's 6: everything
else goes through the former.)
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from tocsin.adapters.store_schema import DECISIONS, DOCUMENT_TABLES, INBOX, KEYS, REJECTED

_PARAMETER_STYLES: Final = MappingProxyType({"sqlite": "qmark", "postgresql": "format"})


@dataclass(frozen=True, slots=True)
class Statements:
    """SQL texts; parameters are a table's columns in their order, or as said.

    `fail` and `remove` take an inbox id; `reject` takes the time, the reason and an inbox id.
    `upserts` and `deletes` are by table name; a delete takes the columns of the key.
    """

    append: str
    fail: str
    reject: str
    remove: str
    upserts: MappingProxyType[str, str]
    deletes: MappingProxyType[str, str]
    use_key: str
    decide: str


def compile_statements(engine_dialect: Dialect) -> Statements:
    """Compile for the dialect of an engine, with positional parameters."""
    name = engine_dialect.name
    dialect = type(engine_dialect)(paramstyle=_PARAMETER_STYLES[name])  # type: ignore[call-arg]  # every concrete dialect takes it

    def text(statement: Any, columns: list[str] | None = None) -> str:
        return str(statement.compile(dialect=dialect, column_keys=columns))

    def dialect_insert(table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
        return sqlite.insert(table) if name == "sqlite" else postgresql.insert(table)

    def upsert(table: sa.Table) -> str:
        inserted = dialect_insert(table)
        columns = [column.name for column in table.columns]
        change = {"document": inserted.excluded.document}
        return text(
            inserted.on_conflict_do_update(index_elements=list(table.primary_key), set_=change),
            columns,
        )

    def delete(table: sa.Table) -> str:
        by_key = [column == sa.bindparam(f"by_{column.name}") for column in table.primary_key]
        return text(sa.delete(table).where(*by_key))

    def insert(table: sa.Table) -> str:
        return text(sa.insert(table), [column.name for column in table.columns])

    return Statements(
        append=insert(INBOX),
        fail=text(
            sa.update(INBOX)
            .where(INBOX.c.id == sa.bindparam("by_id"))
            .values(attempts=INBOX.c.attempts + sa.text("1"))
        ),
        reject=text(_reject()),
        remove=delete(INBOX),
        upserts=MappingProxyType({table.name: upsert(table) for table in DOCUMENT_TABLES}),
        deletes=MappingProxyType({table.name: delete(table) for table in DOCUMENT_TABLES}),
        use_key=text(dialect_insert(KEYS).on_conflict_do_nothing(), ["digest", "used_at"]),
        decide=insert(DECISIONS),
    )


def _reject() -> sa.Insert:
    """Copy a row of the inbox to the rejected ones."""
    copied = sa.select(
        INBOX.c.id,
        sa.bindparam("rejected_at", type_=sa.Double()),
        sa.bindparam("reason", type_=sa.Text()),
        INBOX.c.accepted_at,
        INBOX.c.kind,
        INBOX.c.sender,
        INBOX.c.payload,
    ).where(INBOX.c.id == sa.bindparam("by_id"))
    return sa.insert(REJECTED).from_select([column.name for column in REJECTED.columns], copied)

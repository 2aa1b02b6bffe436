"""Migrations lead to exactly the tables that the code uses, on both databases."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.contract.stores import opened, query
from tocsin.adapters.store_schema import METADATA
from tocsin.adapters.store_upgrade import VERSION_TABLE, upgrade


async def test_the_migrated_schema_is_that_of_the_metadata(store_url: str) -> None:
    async with opened(store_url):
        pass
    engine = sa.create_engine(store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


async def test_an_opened_database_carries_its_version(store_url: str) -> None:
    async with opened(store_url):
        pass
    async with opened(store_url):
        pass
    assert query(store_url, "SELECT version_num FROM schema_version") == [("0001",)]


async def test_an_older_database_is_upgraded_keeping_its_rows(store_url: str) -> None:
    """As version 0 stands for every older one: a database without any table of ours."""
    query(store_url, "CREATE TABLE somebody_elses (name TEXT)")
    query(store_url, "INSERT INTO somebody_elses VALUES ('kept')")
    async with opened(store_url) as store:
        assert store.can_store() == ""
    assert query(store_url, "SELECT name FROM somebody_elses") == [("kept",)]


def test_an_upgrade_that_is_interrupted_leaves_nothing_behind(store_url: str) -> None:
    engine = sa.create_engine(store_url)
    if engine.dialect.name == "sqlite":  # as the store has it: the driver begins nothing by itself
        engine = sa.create_engine(store_url, connect_args={"isolation_level": None})
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.connect() as connection:
        transaction = connection.begin()
        upgrade(connection)
        assert "inbox" in sa.inspect(connection).get_table_names()
        transaction.rollback()
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()

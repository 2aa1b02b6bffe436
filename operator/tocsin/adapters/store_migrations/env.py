"""Runs the migrations on the connection that `store_upgrade` hands over, in its transaction."""

from alembic import context

from tocsin.adapters.store_schema import METADATA

VERSION_TABLE = "schema_version"

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()

"""Brings a database's schema to this release's version; refuses one that is newer.

Called by `store` when it opens, before anything else is read.
"""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from tocsin.errors import StoreIncompatible

VERSION_TABLE: Final = "schema_version"

_MIGRATIONS: Final = Path(__file__).with_name("store_migrations")


def upgrade(connection: Connection) -> None:
    """Run the migrations that the database lacks, in the transaction that is open.

    Raises StoreIncompatible where the database was written by a newer release.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    versions = ScriptDirectory.from_config(config)
    newest = versions.get_current_head()
    current = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE}
    ).get_current_revision()
    if current == newest:
        return
    if current is not None and current not in {each.revision for each in versions.walk_revisions()}:
        raise StoreIncompatible(
            f"the database has schema version {current}, and the newest that this Tocsin knows is "
            f"{newest}: start the release that wrote it, or a later one"
        )
    command.upgrade(config, "head")

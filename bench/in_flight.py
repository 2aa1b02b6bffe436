"""Which deliveries were under way when the operator was killed, by its own account.

In: the database that a killed process left. Out: the IDs of deliveries whose attempt is committed
and whose outcome is not. These, and no others, may be repeated where a token cannot read history.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa

from tocsin.adapters.store_schema import OUTBOX
from tocsin.model.group import Operation, OutboxEntry

_SQLITE: Final = "sqlite:///"
_decode: Final = msgspec.msgpack.Decoder(OutboxEntry).decode


def deliveries_in_flight(database_url: str) -> frozenset[str]:
    """Return the IDs of posts and replies under way; none before there is a database.

    An SQLite file is read as a copy, so that the next start finds exactly what the kill left.
    """
    if not database_url.startswith(_SQLITE):
        return _read(database_url)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(database_url.removeprefix(_SQLITE))
        for part in file.parent.glob(f"{file.name}*"):
            shutil.copy(part, folder)
        return _read(f"{_SQLITE}{folder}/{file.name}")


def _read(database_url: str) -> frozenset[str]:
    engine = sa.create_engine(database_url, poolclass=sa.NullPool)
    if not sa.inspect(engine).has_table(OUTBOX.name):
        return frozenset()
    with engine.connect() as connection:
        documents = connection.execute(sa.select(OUTBOX.c.document)).scalars().all()
    attempts = (_decode(document).attempt for document in documents)
    return frozenset(
        attempt.delivery_id
        for attempt in attempts
        if attempt is not None and attempt.operation is not Operation.EDIT
    )

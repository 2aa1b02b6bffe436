"""What is read from the tables, each function in one short transaction that its caller holds.

In: a connection. Out: model types. Used by `store`, in the reader's or the writer's thread.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from tocsin.adapters.store_changes import DECISION_OVERHEAD_BYTES, key_digest
from tocsin.adapters.store_inbox import InboxSlice
from tocsin.adapters.store_schema import (
    DECISIONS,
    GROUPS,
    INBOX,
    KEYS,
    MARKS,
    OUTBOX,
    REJECTED,
    SEEN,
    SIGNALS,
    TALLIES,
)
from tocsin.errors import StoreIncompatible
from tocsin.model.group import Group, OutboxEntry
from tocsin.model.records import Image, InboxRow
from tocsin.model.signal import SignalId

SCAN_ROWS: Final = 500

_IN_ROWS: Final = 500
_SLICE_ROWS: Final = 256
_SLICE_BYTES: Final = 4 * 2**20

_GIVEN: Final[sa.BindParameter[Any]] = sa.bindparam("values", expanding=True)
_SIGNALS_BY_ID: Final = sa.select(SIGNALS.c.id, SIGNALS.c.document).where(SIGNALS.c.id.in_(_GIVEN))
_SEEN_BY_NAME: Final = sa.select(SEEN.c.name, SEEN.c.document).where(
    SEEN.c.source == sa.bindparam("source"), SEEN.c.name.in_(_GIVEN)
)
_KEYS_BY_DIGEST: Final = sa.select(KEYS.c.digest, KEYS.c.used_at).where(KEYS.c.digest.in_(_GIVEN))


def read_inbox(connection: Connection, skip: int, *, with_sums: bool) -> InboxSlice:
    """Return the oldest rows, about 4 MB of them, but at least one more than `skip`.

    The sums take a walk over the whole inbox.
    """
    size = sa.func.length(INBOX.c.payload)
    limit = _SLICE_ROWS + skip
    sizes = connection.execute(sa.select(INBOX.c.id, size).order_by(INBOX.c.id).limit(limit)).all()
    taken, room = 0, _SLICE_BYTES
    for _, payload_bytes in sizes:
        if taken > skip and payload_bytes > room:
            break
        taken += 1
        room -= payload_bytes
    rows: list[InboxRow] = []
    if taken:
        query = sa.select(*(INBOX.c[name] for name in InboxRow.__dataclass_fields__))
        found = connection.execute(
            query.where(INBOX.c.id <= sizes[taken - 1][0]).order_by(INBOX.c.id)
        )
        rows = [InboxRow(*row) for row in found]
    sums = None
    if with_sums:
        total = sa.func.coalesce(sa.func.sum(size), 0)
        count, payload_bytes = connection.execute(sa.select(sa.func.count(INBOX.c.id), total)).one()
        sums = (int(count), int(payload_bytes))
    return InboxSlice(rows, taken == len(sizes) < limit, sums)


def next_inbox_id(connection: Connection) -> int:
    """Return a number above those of all rows, rejected ones included."""
    highest = [connection.scalar(sa.select(sa.func.max(t.c.id))) for t in (INBOX, REJECTED)]
    return max((number for number in highest if number is not None), default=0) + 1


def decisions_end(connection: Connection) -> int:
    """Return the position at which the log of decisions ends."""
    last = connection.execute(
        sa.select(DECISIONS.c.position, sa.func.length(DECISIONS.c.document))
        .order_by(DECISIONS.c.position.desc())
        .limit(1)
    ).first()
    return 0 if last is None else int(last[0] + last[1] + DECISION_OVERHEAD_BYTES)


def read_image(connection: Connection) -> Image:
    """Return everything but signals; raises StoreIncompatible where a row cannot be unpacked."""
    marks = connection.execute(sa.select(MARKS.c.name, MARKS.c.document))
    tallies = connection.execute(
        sa.select(TALLIES.c.receiver, TALLIES.c.channel, TALLIES.c.document)
    )
    return Image(
        groups=_decode(connection, GROUPS, Group),
        outbox=_decode(connection, OUTBOX, OutboxEntry),
        marks={row.name: row.document for row in marks},
        tallies={(row.receiver, row.channel): row.document for row in tallies},
    )


def read_signals(connection: Connection, ids: Sequence[SignalId]) -> Mapping[SignalId, bytes]:
    """Return the documents of those that exist."""
    return _lookup(connection, _SIGNALS_BY_ID, ids)


def read_signals_after(
    connection: Connection, last: Any
) -> tuple[Sequence[tuple[SignalId, bytes]], Any]:
    """Return the next chunk of all signals, and where it ends; `last` None for the first.

    They come in the order in which they lie: by row number in SQLite.
    """
    place: Any = SIGNALS.c.id
    if connection.dialect.name == "sqlite":
        place = sa.literal_column("rowid", sa.Integer())
    query = sa.select(SIGNALS.c.id, SIGNALS.c.document, place.label("place"))
    if last is not None:
        query = query.where(place > last)
    rows = connection.execute(query.order_by(place).limit(SCAN_ROWS)).all()
    return [(SignalId(row[0]), row[1]) for row in rows], rows[-1][2] if rows else None


def read_seen(connection: Connection, source: str, keys: Sequence[str]) -> Mapping[str, bytes]:
    """Return what a source remembers under those keys that exist."""
    return _lookup(connection, _SEEN_BY_NAME, keys, source=source)


def read_used_keys(connection: Connection, keys: Sequence[str]) -> frozenset[str]:
    """Return those idempotency keys that are stored."""
    by_digest = {key_digest(key): key for key in keys}
    found = _lookup(connection, _KEYS_BY_DIGEST, list(by_digest))
    return frozenset(by_digest[digest] for digest in found)


def _lookup(
    connection: Connection, query: sa.Select[Any], values: Sequence[Any], **parameters: Any
) -> dict[Any, Any]:
    """Return the two columns of a query by `values` as a mapping, for many of them."""
    found: dict[Any, Any] = {}
    for chunk in _chunks(values):
        rows = connection.execute(query, {"values": chunk, **parameters}).all()
        found.update((row[0], row[1]) for row in rows)
    return found


def _chunks(values: Sequence[Any]) -> Iterator[list[Any]]:
    remaining = iter(values)
    while chunk := list(islice(remaining, _IN_ROWS)):
        yield chunk


def _decode(connection: Connection, table: sa.Table, kind: type[Any]) -> list[Any]:
    decoder = msgspec.msgpack.Decoder(kind)
    try:
        return [
            decoder.decode(document) for document in connection.scalars(sa.select(table.c.document))
        ]
    except msgspec.DecodeError as error:
        raise StoreIncompatible(
            f"a row of table {table.name} cannot be read ({error}): restore a backup"
        ) from error

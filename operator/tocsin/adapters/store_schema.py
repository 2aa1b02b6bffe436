"""The store's tables; the newest of what `store_migrations` leads to, and a test compares the two.

Documents are packed by the pipeline and opaque here. The layout is append-only in effect: a primary
key that is no integer leaves an SQLite table in the order in which rows came, with a small index
beside it, so that the rows of one step share pages. (With the documents themselves sorted by key,
a thousand new signals wrote five times as many pages.)
"""

from typing import Any, Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

_INTEGER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""64 bits; SQLite makes a table's row number of INTEGER alone."""


def _required(name: str, kind: sa.types.TypeEngine[Any]) -> "sa.Column[Any]":
    return sa.Column(name, kind, nullable=False)


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> "sa.Column[Any]":
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


INBOX: Final = sa.Table(
    "inbox",
    METADATA,
    _key("id", _INTEGER),
    _required("accepted_at", sa.Double()),
    _required("kind", sa.Text()),
    _required("sender", sa.Text()),
    _required("payload", sa.LargeBinary()),
    _required("attempts", sa.Integer()),
)
"""Accepted payloads that are not processed yet."""

REJECTED: Final = sa.Table(
    "rejected",
    METADATA,
    _key("id", _INTEGER),
    _required("rejected_at", sa.Double()),
    _required("reason", sa.Text()),
    _required("accepted_at", sa.Double()),
    _required("kind", sa.Text()),
    _required("sender", sa.Text()),
    _required("payload", sa.LargeBinary()),
)
"""Payloads that could not be processed, under the number that they had in the inbox."""

SIGNALS: Final = sa.Table(
    "signals",
    METADATA,
    _key("id", sa.LargeBinary()),
    _required("document", sa.LargeBinary()),
)

GROUPS: Final = sa.Table(
    "groups",
    METADATA,
    _key("id", sa.LargeBinary()),
    _required("document", sa.LargeBinary()),
)

OUTBOX: Final = sa.Table(
    "outbox",
    METADATA,
    _key("group_id", sa.LargeBinary()),
    _key("channel", sa.Text()),
    _required("document", sa.LargeBinary()),
)

SEEN: Final = sa.Table(
    "seen",
    METADATA,
    _key("source", sa.Text()),
    _key("name", sa.Text()),
    _required("document", sa.LargeBinary()),
)
"""What a watch has shown: a source's high-water mark."""

TALLIES: Final = sa.Table(
    "tallies",
    METADATA,
    _key("receiver", sa.Text()),
    _key("channel", sa.Text()),
    _required("document", sa.LargeBinary()),
)

MARKS: Final = sa.Table(
    "marks",
    METADATA,
    _key("name", sa.Text()),
    _required("document", sa.LargeBinary()),
)

KEYS: Final = sa.Table(
    "keys",
    METADATA,
    _key("digest", sa.LargeBinary()),
    sa.Column("used_at", sa.Double(), nullable=False, index=True),
)
"""Idempotency keys, as 16 bytes of BLAKE2b: senders choose their length and their characters."""

DECISIONS: Final = sa.Table(
    "decisions",
    METADATA,
    _key("position", _INTEGER),
    _required("at", sa.Double()),
    _required("subject", sa.LargeBinary()),
    _required("document", sa.LargeBinary()),
)
"""A log. `position` counts the bytes written before a row, so that the last less the first is the
log's size, and its oldest rows are found without an index on the time.
"""

DOCUMENT_TABLES: Final = (SIGNALS, GROUPS, OUTBOX, SEEN, TALLIES, MARKS)
"""Tables of one packed document a key."""

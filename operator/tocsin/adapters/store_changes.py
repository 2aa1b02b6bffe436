"""What appends and steps come to, table by table: rows for a few `executemany` calls.

In: inbox rows and steps, in the order in which they were submitted. Out: statements run on a
cursor. Used by `store_transactions`, for a whole group commit or for one of its parts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy.engine.interfaces import DBAPICursor

from tocsin.adapters.store_schema import DOCUMENT_TABLES
from tocsin.adapters.store_statements import Statements
from tocsin.model.records import InboxRow, Step
from tocsin.redact import redact

DECISION_OVERHEAD_BYTES: Final = 64
"""What a decision takes on disk beside its document, about."""
_REASON_CHARACTERS: Final = 1000

_TABLES: Final = tuple(table.name for table in DOCUMENT_TABLES)
_COMPOSITE_KEYS: Final = frozenset(
    table.name for table in DOCUMENT_TABLES if len(table.primary_key.columns) > 1
)

_Rows = Sequence[Sequence[object]]


class Changes:
    """The net effect: of several upserts of a key the last is written, of a deleted row none.

    `now` is written beside rejected rows, in seconds since the epoch; `position` is where the next
    decision goes in its log, and moves on with each.
    """

    def __init__(self, now: float, position: int) -> None:
        self.position = position
        self._now = now
        self._appended: list[tuple[object, ...]] = []
        self._failed: list[tuple[int]] = []
        self._removed: dict[int, str | None] = {}  # inbox id -> why it was rejected; None: done
        self._documents: dict[str, dict[Any, bytes | None]] = {table: {} for table in _TABLES}
        self._keys: dict[bytes, float] = {}
        self._decisions: list[tuple[int, float, bytes, bytes]] = []

    def add(self, change: InboxRow | Step) -> None:
        """Take in what was submitted next."""
        if isinstance(change, Step):
            self._add_step(change)
        else:
            row = change
            self._appended.append(
                (row.id, row.accepted_at, row.kind, row.sender, row.payload, row.attempts)
            )

    def write(self, cursor: DBAPICursor, statements: Statements) -> None:
        """Run the statements; errors are the driver's, or those of values it cannot send."""
        for text, rows in self._batches(statements):
            if rows:
                cursor.executemany(text, rows)

    def _add_step(self, step: Step) -> None:
        documents = self._documents
        _merge(documents["signals"], step.signals, step.drop_signals)
        _merge(documents["groups"], step.groups, step.drop_groups)
        _merge(documents["outbox"], step.outbox, step.drop_outbox)
        documents["seen"].update(step.seen)
        documents["tallies"].update(step.tallies)
        documents["marks"].update(step.marks)
        for key, used_at in step.keys.items():
            self._keys.setdefault(key_digest(key), used_at)
        for decision in step.decisions:
            document = decision.document
            self._decisions.append((self.position, decision.at, decision.subject, document))
            self.position += len(document) + DECISION_OVERHEAD_BYTES
        self._failed += [(number,) for number in step.failed_inbox]
        for number, reason in step.rejected_inbox.items():
            self._removed.setdefault(number, reason)
        for number in step.done_inbox:
            self._removed.setdefault(number, None)

    def _batches(self, statements: Statements) -> Iterator[tuple[str, _Rows]]:
        """Yield each statement with its rows, which may be none; the inbox's depend on order."""
        yield statements.append, self._appended
        yield statements.fail, self._failed
        rejected = [
            (self._now, _storable(reason), number)
            for number, reason in self._removed.items()
            if reason is not None
        ]
        yield statements.reject, rejected
        yield statements.remove, [(number,) for number in self._removed]
        for table, documents in self._documents.items():
            if documents:
                upserts, deletes = _rows(documents, is_key_composite=table in _COMPOSITE_KEYS)
                yield statements.upserts[table], upserts
                yield statements.deletes[table], deletes
        yield statements.use_key, list(self._keys.items())
        yield statements.decide, self._decisions


def key_digest(key: str) -> bytes:
    """Return the 16 bytes under which an idempotency key is remembered."""
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _merge(
    target: dict[Any, bytes | None], upserts: Mapping[Any, bytes], drops: Iterable[Any]
) -> None:
    target.update(upserts)
    for key in drops:
        target[key] = None


def _rows(documents: Mapping[Any, bytes | None], *, is_key_composite: bool) -> tuple[_Rows, _Rows]:
    """Return the rows to upsert and the keys to delete; only a composite key is a tuple."""
    kept = [(key, document) for key, document in documents.items() if document is not None]
    gone = [key for key, document in documents.items() if document is None]
    if is_key_composite:
        return [(*key, document) for key, document in kept], gone
    return kept, [(key,) for key in gone]


def _storable(reason: str) -> str:
    """Return a reason as any database takes it; it may quote what a stranger sent."""
    text = redact(reason).replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
    return text[:_REASON_CHARACTERS]

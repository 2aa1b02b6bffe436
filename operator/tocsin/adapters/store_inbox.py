"""The inbox as memory knows it: its oldest rows with their payloads, and what it adds up to.

Every method is called on the event loop, in the order in which things were submitted and settled,
by `store`. Rows read back (`refill`) were read by the writer's thread between two commits, so there
is no race between what was read and what was written.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from tocsin.model.records import Backlog, InboxRow, Step

MEMORY_BYTES: Final = 16 * 2**20
"""Payloads kept in memory; what comes while so many wait is read back when its turn comes."""


@dataclass(frozen=True, slots=True)
class InboxSlice:
    """The oldest rows of the inbox, in order; `is_whole` says that there are no others.

    `sums` are how many rows and bytes of payload there are in all, where that was asked for.
    """

    rows: list[InboxRow]
    is_whole: bool
    sums: tuple[int, int] | None


class InboxMemory:
    """A prefix of the inbox (all of it while it is small), and counters.

    Rows that a submitted step removes are hidden at once, and gone once the step is on disk.
    """

    def __init__(self, stored: InboxSlice, next_id: int) -> None:
        self.is_whole = stored.is_whole
        self.is_certain = True
        """Whether the sums are right; if not, the next refill must bring them."""
        self.arrived = asyncio.Event()
        self._rows: dict[int, InboxRow] = {}
        self._row_bytes = 0
        self._hidden: set[int] = set()
        self._next_id = next_id
        self._count = 0
        self._payload_bytes = 0
        self._arriving_bytes = 0
        self._oldest: float | None = None
        self.refill(stored)

    def submit(self, kind: str, sender: str, payload: bytes, accepted_at: float) -> InboxRow:
        """Return a new row on its way to the disk, under a number that was never used before."""
        row = InboxRow(self._next_id, accepted_at, kind, sender, payload)
        self._next_id += 1
        self._arriving_bytes += len(payload)
        return row

    def append_settled(self, row: InboxRow, is_stored: bool) -> None:
        """A submitted row is on disk, or is not."""
        self._arriving_bytes -= len(row.payload)
        if not is_stored:
            return
        self._count += 1
        self._payload_bytes += len(row.payload)
        if self.is_whole and self._row_bytes + len(row.payload) <= MEMORY_BYTES:
            self._keep(row)
        else:
            self.is_whole = False
        self._note()

    def step_submitted(self, step: Step) -> None:
        """Hide the rows that a step removes."""
        self._hidden.update(step.done_inbox, step.rejected_inbox)
        self._note()

    def step_settled(self, step: Step, is_stored: bool) -> None:
        """A step is on disk, or is not: its rows are gone, or are back."""
        self._hidden.difference_update(step.done_inbox, step.rejected_inbox)
        if is_stored:
            for number in step.failed_inbox:
                if number in self._rows:
                    row = self._rows[number]
                    self._rows[number] = replace(row, attempts=row.attempts + 1)
            for number in {*step.done_inbox, *step.rejected_inbox}:
                self._remove(number)
        self._note()

    def doubt(self) -> None:
        """A commit's outcome is unknown: what is here must be read again before it is used.

        Until then the sums are the last that were known.
        """
        self._rows.clear()
        self._row_bytes = 0
        self.is_whole = self.is_certain = False

    def refill(self, stored: InboxSlice) -> None:
        """Take over what is on disk, after everything that has settled so far."""
        self._rows.clear()
        self._row_bytes = 0
        for row in stored.rows:
            self._keep(row)
        self.is_whole = stored.is_whole
        if stored.sums is not None:
            self._count, self._payload_bytes = stored.sums
            self.is_certain = True
        self._note()

    def oldest(self, limit: int) -> list[InboxRow]:
        """Return up to `limit` rows in order, fewer where memory holds no more."""
        found: list[InboxRow] = []
        for number, row in self._rows.items():
            if len(found) == limit:
                break
            if number not in self._hidden:
                found.append(row)
        return found

    @property
    def hidden(self) -> int:
        """How many rows are on disk, perhaps, and not to be shown."""
        return len(self._hidden)

    @property
    def claimed_bytes(self) -> int:
        """Payloads on disk and on their way there."""
        return self._payload_bytes + self._arriving_bytes

    def backlog(self) -> Backlog:
        """Return the sums of what is on disk."""
        return Backlog(self._count, self._payload_bytes, self._oldest)

    def _keep(self, row: InboxRow) -> None:
        self._rows[row.id] = row
        self._row_bytes += len(row.payload)

    def _remove(self, number: int) -> None:
        row = self._rows.pop(number, None)
        if row is None:  # forgotten in doubt
            self.is_whole = self.is_certain = False
            return
        self._row_bytes -= len(row.payload)
        self._count -= 1
        self._payload_bytes -= len(row.payload)

    def _note(self) -> None:
        """Bring up to date what follows from the rows."""
        oldest = next(iter(self._rows.values()), None)
        if oldest is not None:
            self._oldest = oldest.accepted_at
        elif self._count == 0:
            self._oldest = None
        if self._count > len(self._hidden):
            self.arrived.set()
        else:
            self.arrived.clear()

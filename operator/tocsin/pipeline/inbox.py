"""The inbox's way into memory: rows are read by their source and absorbed; leases end here too.

Called by the dispatcher, once a step.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from tocsin.model.reading import Reader, Reading, ReadingContext
from tocsin.model.records import InboxRow, Step
from tocsin.model.signal import SignalId, Status, decode_signal
from tocsin.pipeline.ports import Store, Telemetry
from tocsin.pipeline.session import Session

_STEP_ROWS: Final = 16
_STEP_SECONDS: Final = 0.005
"""A step takes up to so many inbox rows, for about so long: intake waits no longer than that."""
_STEP_LEASES: Final = 256
_MAX_ATTEMPTS: Final = 3

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Inflow:
    """What the inbox is read by.

    `readers` are the sources by inbox row kind; `refused_at` tells when intake last refused a post,
    `resend_seconds` is the longest interval at which senders repeat what fires.
    """

    readers: Mapping[str, Reader]
    context: ReadingContext
    refused_at: Callable[[], float]
    resend_seconds: float


class RowFailed(Exception):
    """Absorbing a row raised: memory may be half changed, the session must end."""

    def __init__(self, row: InboxRow, error: Exception) -> None:
        super().__init__(f"{row.kind}: {type(error).__name__}")
        self.row = row


class Inbox:
    """Takes rows out of the store's inbox into a session."""

    def __init__(
        self, session: Session, store: Store, telemetry: Telemetry, inflow: Inflow
    ) -> None:
        self._session = session
        self._store = store
        self._telemetry = telemetry
        self._inflow = inflow
        # Whoever was away may have missed what keeps an alert firing.
        self._leases_from = (
            time.time() + 2 * inflow.resend_seconds if session.memory.signals else 0.0
        )

    async def take(self, step: Step) -> int:
        """Read, merge, route and group a few rows into `step`; return how many.

        Raises RowFailed where one cannot be absorbed.
        """
        if not self._store.backlog().rows:
            return 0
        began = time.perf_counter()
        taken, signals = 0, 0
        for row in await self._store.pending(_STEP_ROWS):
            signals += await self._take(row, step)
            taken += 1
            if time.perf_counter() - began > _STEP_SECONDS:
                break
        self._telemetry.processed(signals, time.perf_counter() - began)
        return taken

    async def end_leases(self, step: Step) -> None:
        """Resolve what was not sent again in time.

        Not by a clock that runs ahead of what is processed, nor soon after a time in which nothing
        could be accepted.
        """
        now = time.time()
        if now < max(
            self._leases_from, self._inflow.refused_at() + 2 * self._inflow.resend_seconds
        ):
            return
        oldest = self._store.backlog().oldest_accepted_at
        now = min(now, oldest if oldest is not None else now)
        ended = self._session.memory.ended_leases(now, _STEP_LEASES)
        documents = await self._documents((held.id for held in ended), step)
        memory = self._session.memory
        for key, document in documents.items():
            held = memory.signals[key]
            self._session.absorber.resolve(held, document, held.ends_at or now, step)

    async def _take(self, row: InboxRow, step: Step) -> int:
        """Take one row in; one that cannot be read is set aside and stops nothing behind it."""
        try:
            reader = self._inflow.readers[row.kind]
            reading = reader.read(row, self._inflow.context, await self._seen(reader, row, step))
        except Exception as error:
            _log.warning("an inbox row cannot be read", kind=row.kind, error=type(error).__name__)
            set_aside(row, f"{type(error).__name__}: {error}", step)
            return 0
        used = await self._used_keys(reading)
        absent = await self._documents(reading.absent, step)
        try:
            self._absorb(row, reading, used, absent, step)
        except Exception as error:
            raise RowFailed(row, error) from error
        step.done_inbox.append(row.id)
        return len(reading.signals)

    def _absorb(
        self,
        row: InboxRow,
        reading: Reading,
        used: frozenset[str],
        absent: Mapping[SignalId, bytes],
        step: Step,
    ) -> None:
        for key, signal in reading.signals:
            if signal.idempotency_key:
                if signal.idempotency_key in used or signal.idempotency_key in step.keys:
                    continue
                step.keys[signal.idempotency_key] = row.accepted_at
            self._session.absorber.absorb(key, signal, step)
        for key, document in absent.items():
            held = self._session.memory.signals.get(key)
            if held is None or held.status is not Status.FIRING:
                continue
            if decode_signal(document).sender_group == reading.sender_group:
                self._session.absorber.resolve(held, document, row.accepted_at, step)
        for name, remembered in reading.seen.items():
            step.seen[row.kind, name] = remembered

    async def _seen(self, reader: Reader, row: InboxRow, step: Step) -> Mapping[str, bytes]:
        """Return what the source remembers, the rows before in the same step included."""
        keys = reader.seen_keys(row)
        if not keys:
            return {}
        stored = dict(await self._store.seen(row.kind, keys))
        for key in keys:
            if (row.kind, key) in step.seen:
                newer = step.seen[row.kind, key]
                if newer is None:
                    stored.pop(key, None)
                else:
                    stored[key] = newer
        return stored

    async def _used_keys(self, reading: Reading) -> frozenset[str]:
        keys = [signal.idempotency_key for _, signal in reading.signals if signal.idempotency_key]
        return await self._store.used_keys(keys) if keys else frozenset()

    async def _documents(self, keys: Iterable[SignalId], step: Step) -> Mapping[SignalId, bytes]:
        """Return the newest packed texts of signals, wherever they are; in the order of `keys`."""
        wanted = list(keys)
        found = {key: step.signals[key] for key in wanted if key in step.signals}
        found |= self._session.texts.get(key for key in wanted if key not in found)
        missing = [key for key in wanted if key not in found]
        if missing:
            found |= await self._store.signals(missing)
        return {key: found[key] for key in wanted if key in found}


def set_aside(row: InboxRow, why: str, step: Step) -> None:
    """Count a failure of a row; the third moves it out of the way, with its reason."""
    if row.attempts + 1 >= _MAX_ATTEMPTS:
        step.rejected_inbox[row.id] = why
    else:
        step.failed_inbox.append(row.id)

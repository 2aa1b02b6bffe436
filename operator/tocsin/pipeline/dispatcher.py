"""The dispatcher: the flow, top to bottom, one step after the other.

Takes accepted payloads out of the inbox and leads what they say to the outbox; every step is one
transaction. It is the only one that knows the order of stages. It ends a session, and reloads
memory from the store, whenever a commit fails.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from tocsin.errors import StoreError, TocsinError
from tocsin.model.records import Step
from tocsin.model.snapshot import Snapshot
from tocsin.model.tally import Tally
from tocsin.pipeline.adopting import stored_snapshot
from tocsin.pipeline.inbox import Inbox, Inflow, RowFailed, set_aside
from tocsin.pipeline.memory import Memory
from tocsin.pipeline.sending import Outside, Prepared
from tocsin.pipeline.session import Scope, Session, open_session, read_tallies

_STEP_GROUPS: Final = 64
"""Groups flushed in one step."""
_INTAKE_FIRST_SECONDS: Final = 1.0
"""While posts arrive they go before processing, until the inbox is this far behind."""
_YIELD_SECONDS: Final = 0.005
_MIN_IDLE_SECONDS: Final = 0.001
_SYNC_PATIENCE_SECONDS: Final = 30.0
"""How long a start waits for the API server before it serves the stored snapshot."""
_RELOAD_PAUSE_SECONDS: Final = 1.0
_STOP_GRACE_SECONDS: Final = 65.0
"""A call to Slack may take a minute; the manifest grants the pod a little more."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Flow:
    """What the dispatcher follows; `is_intake_busy` says whether posts wait to be accepted."""

    inflow: Inflow
    scope: Scope
    is_intake_busy: Callable[[], bool]


@dataclass(slots=True, eq=False)
class _Offer:
    """A snapshot that waits to be adopted, and the one whose place it took."""

    snapshot: Snapshot
    done: asyncio.Future[None]
    replaces: "_Offer | None" = None


class Dispatcher:
    """Runs sessions; `adopt` hands it new pictures of the resources."""

    def __init__(self, outside: Outside, flow: Flow) -> None:
        self._outside = outside
        self._flow = flow
        self._session: Session | None = None
        self._snapshot: Snapshot | None = None
        self._offer: _Offer | None = None
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None
        self._stopping = False

    async def adopt(self, snapshot: Snapshot) -> None:
        """Route by this snapshot from now on; returns once it is stored and in force.

        A newer one that comes meanwhile takes its place.
        """
        offer = _Offer(snapshot, asyncio.get_running_loop().create_future())
        if self._offer is not None:
            offer.replaces = self._offer
        self._offer = offer
        self._wake.set()
        await offer.done

    async def prepare(self) -> None:
        """Read the tallies, so that statuses are true before the first session."""
        self._tallies = read_tallies(await self._outside.store.image())

    def tally(self, receiver: str, channel: str) -> Tally:
        """Return the counters of a receiver's channel, as named in its spec."""
        return self._tallies.setdefault((receiver, channel), Tally())

    def waiting(self, receiver: str, channel: str) -> int:
        """Return how many messages wait or are in flight."""
        return self._session.delivery.waiting(receiver, channel) if self._session else 0

    def counts(self) -> Mapping[str, int]:
        """Return how many groups and signals there are."""
        return (self._session.memory if self._session else Memory()).counts()

    def stop(self) -> None:
        """End `run`: nothing starts any more, what is in flight finishes."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Serve until `stop`; a failure ends a session, never the dispatcher."""
        while not self._stopping:
            try:
                await self._first_snapshot()
                await self._serve()
            except RowFailed as failed:
                _log.error("an inbox row cannot be absorbed", cause=str(failed), exc_info=True)
                await self._set_aside(failed)
            except TocsinError as error:
                _log.warning("reloading from the store", cause=str(error))
            except Exception as error:
                _log.exception("reloading from the store", cause=type(error).__name__)
            if not self._stopping:
                await asyncio.sleep(_RELOAD_PAUSE_SECONDS)

    async def _first_snapshot(self) -> None:
        """Wait for the resources: nothing is routed on half a picture."""
        deadline = time.monotonic() + _SYNC_PATIENCE_SECONDS
        while self._snapshot is None and self._offer is None and not self._stopping:
            if time.monotonic() > deadline:
                image = await self._outside.store.image()
                self._snapshot = stored_snapshot(image.marks)
                deadline = time.monotonic() + _SYNC_PATIENCE_SECONDS
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 1.0)
        if self._snapshot is None:
            image = await self._outside.store.image()
            # What is on offer is adopted in the first step, as a change of what was stored.
            self._snapshot = stored_snapshot(image.marks) or Snapshot()

    async def _serve(self) -> None:
        """Live one session."""
        if self._stopping or self._snapshot is None:
            return
        self._failure = None
        session = await open_session(self._outside, self._flow.scope, self._snapshot, self._fail)
        store, telemetry = self._outside.store, self._outside.telemetry
        inbox = Inbox(session, store, telemetry, self._flow.inflow)
        self._session = session
        self._tallies = session.sender.tallies
        parked = asyncio.create_task(session.delivery.watch_parked())
        session.delivery.resume()
        try:
            while not self._stopping:
                if self._failure is not None:
                    raise self._failure
                self._wake.clear()
                if not self._may_process():
                    await asyncio.sleep(_YIELD_SECONDS)
                elif not await self._step(session, inbox):
                    await self._idle(session)
        finally:
            parked.cancel()
            await session.delivery.stop(_STOP_GRACE_SECONDS)
            self._session = None

    async def _step(self, session: Session, inbox: Inbox) -> bool:
        """Do one step; return whether there was anything to do.

        The flow: sources and merging (inbox, leases), routing and grouping (absorb), then for each
        group that is due time muting and deduping (flush), then rendering (offer), then commit.
        """
        step, prepared = Step(), list[Prepared]()
        offer = self._offer
        if offer is not None:
            await self._adopt(session, offer.snapshot, step)
        rows = await inbox.take(step)
        await inbox.end_leases(step)
        now = time.time()
        for group in list(session.memory.due_groups(now, _STEP_GROUPS)):
            for entry in session.flusher.flush(group, now, step):
                attempt = session.delivery.offer(group, entry, step, now)
                if attempt is not None:
                    prepared.append(attempt)
        if not step.is_empty():
            await self._outside.store.commit(step)
        for attempt in prepared:
            session.delivery.launch(attempt)
        if offer is not None:
            self._settle(offer)
            session.delivery.release()
        return rows > 0 or not step.is_empty()

    async def _adopt(self, session: Session, snapshot: Snapshot, step: Step) -> None:
        self._outside.destinations.adopt(snapshot)
        scan = self._outside.store.scan_signals()
        await session.adopter.adopt(snapshot, scan, time.time(), step)
        session.sender.forget_tallies(snapshot.receivers, step)

    def _settle(self, offer: "_Offer") -> None:
        """A snapshot is in force: tell those who offered it, or one before."""
        self._snapshot = offer.snapshot
        if self._offer is offer:
            self._offer = None
        waiting: _Offer | None = offer
        while waiting is not None:
            if not waiting.done.done():
                waiting.done.set_result(None)
            older, waiting.replaces = waiting.replaces, None
            waiting = older

    async def _set_aside(self, failed: RowFailed) -> None:
        step = Step()
        set_aside(failed.row, str(failed), step)
        with suppress(StoreError):  # then it fails again, and is counted then
            await self._outside.store.commit(step)

    def _may_process(self) -> bool:
        """Whether processing goes now: not while posts arrive, until it is too far behind."""
        if not self._flow.is_intake_busy():
            return True
        oldest = self._outside.store.backlog().oldest_accepted_at
        return oldest is None or time.time() - oldest > _INTAKE_FIRST_SECONDS

    async def _idle(self, session: Session) -> None:
        """Sleep until there is something to do: a row, a timer, a snapshot, an end."""
        due = session.memory.next_timer()
        seconds = 60.0 if due is None else min(60.0, max(0.0, due - time.time()))
        waits = [
            asyncio.ensure_future(self._wake.wait()),
            asyncio.ensure_future(self._outside.store.wait_for_rows()),
        ]
        try:
            await asyncio.wait(
                waits,
                timeout=max(seconds, _MIN_IDLE_SECONDS),
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for each in waits:
                each.cancel()

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._wake.set()

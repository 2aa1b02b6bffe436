"""Delivery: decides when what the outbox wants is sent.

Offered work by the dispatcher; paces it through lanes, parks what has no usable workspace, and
settles what was in flight when a process ended.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Final

import msgspec

from tocsin.model.channels import is_conversation_id
from tocsin.model.group import Operation, OutboxEntry
from tocsin.model.reason import Reason
from tocsin.model.records import Step
from tocsin.pipeline.destinations import Destination, Refusal
from tocsin.pipeline.drafting import next_operation, shown_members
from tocsin.pipeline.lanes import LaneKey, Lanes, Work
from tocsin.pipeline.memory import LiveGroup, Memory, outbox_of
from tocsin.pipeline.sending import Outside, Prepared, Sender
from tocsin.pipeline.settling import is_unlocated
from tocsin.pipeline.texts import Texts

_PARKED_RETRY_SECONDS: Final = 1.0
_EXPIRY_TURNS: Final = 30
_LOCATING_SECONDS: Final = 60.0
"""How long the ID of a channel is waited for, before an attempt there counts as unknowable."""

_encoder: Final = msgspec.msgpack.Encoder()


class Delivery:
    """Delivers what the outbox in `memory` wants; `fail` is told of what ends the dispatcher."""

    def __init__(
        self,
        memory: Memory,
        texts: Texts,
        sender: Sender,
        outside: Outside,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._memory = memory
        self._texts = texts
        self._sender = sender
        self._outside = outside
        self._fail = fail
        self._lanes = Lanes(outside.pacer, self._is_due, self._deliver, fail)
        # By the sentence that says why: what shares a cause is probed once.
        self._parked: dict[str, dict[Work, None]] = {}
        self._settling: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Take up what a reload found in the outbox: settle attempts, queue the rest."""
        for group, entry in outbox_of(self._memory.groups.values()):
            if entry.attempt is not None:
                self._settle(group, entry)
            else:
                self.enqueue(group, entry)

    def offer(
        self, group: LiveGroup, entry: OutboxEntry, step: Step, now: float
    ) -> Prepared | None:
        """Take work that `step` brings.

        What limits allow at once is prepared within the step, and must be given to `launch` when
        that is committed; the rest is queued.
        """
        found = self._place(group, entry)
        if found is None:
            return None
        destination, operation, lane = found
        members = shown_members(group, entry.channel)
        documents = self._texts.get(members)
        if len(documents) == len(members) and self._lanes.take_now(lane):
            prepared = self._sender.prepare(group, entry, operation, (destination, documents), now)
            step.outbox[group.id, entry.channel] = _encoder.encode(entry)
            if prepared is None:
                self._lanes.start(lane, _nothing())
                self.enqueue(group, entry)
            return prepared
        self._lanes.add(lane, (group.id, entry.channel))
        return None

    def launch(self, prepared: Prepared) -> None:
        """Start an attempt that `offer` returned and whose step is committed."""
        lane = _lane(prepared.destination, prepared.attempt.operation)
        self._lanes.start(lane, self._send(prepared, lane))

    def enqueue(self, group: LiveGroup, entry: OutboxEntry, *, first: bool = False) -> None:
        """Queue whatever an entry has to do next, if anything."""
        found = self._place(group, entry)
        if found is not None:
            self._lanes.add(found[2], (group.id, entry.channel), first=first)

    def release(self) -> None:
        """Look again at what had nowhere to go; cheap where nothing changed."""
        for cause, works in list(self._parked.items()):
            probe = next((found for found in map(self._find, works) if found is not None), None)
            if probe is None:
                del self._parked[cause]
                continue
            destination = self._outside.destinations.find(probe[0].row.receiver, probe[1].channel)
            if isinstance(destination, Refusal) and destination.message == cause:
                continue
            for found in map(self._find, self._parked.pop(cause)):
                if found is not None:
                    self.enqueue(*found)

    async def watch_parked(self) -> None:
        """Release what can go again; give up what has waited past the horizon. Runs for ever."""
        for turn in count():
            await asyncio.sleep(_PARKED_RETRY_SECONDS)
            self.release()
            if turn % _EXPIRY_TURNS == 0:
                await self._expire(time.time())

    async def _expire(self, now: float) -> None:
        for work in [work for works in self._parked.values() for work in works]:
            found = self._find(work)
            if found is not None and self._is_expired(found[1], now):
                await self._sender.give_up(*found, (Reason.EXPIRED, found[1].last_error))

    def waiting(self, receiver: str, channel: str) -> int:
        """Return how many messages wait or are in flight. O(groups of the receiver)."""
        entries = (group.outbox.get(channel) for group in self._memory.groups_of(receiver))
        return sum(entry is not None and bool(entry.waiting_since) for entry in entries)

    async def stop(self, grace_seconds: float) -> None:
        """Start nothing any more; let what is in flight finish."""
        for task in self._settling:
            task.cancel()
        await asyncio.gather(*self._settling, return_exceptions=True)
        await self._lanes.stop(grace_seconds)

    def _is_due(self, work: Work, lane: LaneKey) -> bool:
        """Whether a lane's head is to be done there; moves it where it belongs by now.

        A channel's name is its lane until Slack has told its ID.
        """
        found = self._find(work)
        place = self._place(*found) if found is not None else None
        if place is None or place[2] == lane:
            return place is not None
        self._lanes.add(place[2], work)
        return False

    def _find(self, work: Work) -> tuple[LiveGroup, OutboxEntry] | None:
        group = self._memory.groups.get(work[0])
        entry = group.outbox.get(work[1]) if group is not None else None
        return (group, entry) if group is not None and entry is not None else None

    def _place(
        self, group: LiveGroup, entry: OutboxEntry
    ) -> tuple[Destination, Operation, LaneKey] | None:
        """Return where an entry's next operation goes; park it where it cannot go anywhere."""
        operation = next_operation(group, entry)
        if operation is None:
            return None
        destination = self._outside.destinations.find(group.row.receiver, entry.channel)
        if isinstance(destination, Refusal):
            entry.last_error = destination.message
            self._parked.setdefault(destination.message, {})[group.id, entry.channel] = None
            return None
        return destination, operation, _lane(destination, operation)

    def _is_expired(self, entry: OutboxEntry, now: float) -> bool:
        waited_seconds = now - entry.waiting_since if entry.waiting_since else 0.0
        return waited_seconds > self._outside.horizon_seconds

    async def _deliver(self, work: Work, lane: LaneKey) -> None:
        """Do what a lane's head has to do: prepare, commit, send."""
        found = self._find(work)
        if found is None:
            return
        group, entry = found
        if self._is_expired(entry, time.time()):
            await self._sender.give_up(group, entry, (Reason.EXPIRED, entry.last_error))
            return
        documents = await self._sender.documents(shown_members(group, entry.channel))
        place = self._place(group, entry) if self._find(work) == found else None
        if place is None:
            return
        destination, operation, now_lane = place
        if now_lane != lane:
            self.enqueue(group, entry)
            return
        material = (destination, documents)
        prepared = self._sender.prepare(group, entry, operation, material, time.time())
        await self._sender.commit(group, entry)
        if prepared is None:
            self.enqueue(group, entry)
        else:
            await self._send(prepared, lane)

    async def _send(self, prepared: Prepared, lane: LaneKey) -> None:
        group, entry = prepared.group, prepared.entry
        verdict = await self._sender.send(prepared)
        if verdict.pause_seconds:
            self._lanes.pause(lane, verdict.pause_seconds)
        if verdict.settle:
            self._settle(group, entry)
        elif self._memory.groups.get(group.id) is group:
            self.enqueue(group, entry, first=verdict.first)

    def _settle(self, group: LiveGroup, entry: OutboxEntry) -> None:
        task = asyncio.create_task(self._settled(group, entry))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        task.add_done_callback(self._report)

    async def _settled(self, group: LiveGroup, entry: OutboxEntry) -> None:
        """Settle the attempt that is under way now; once that is done another may begin at once."""
        attempt = entry.attempt
        give_up_at = time.monotonic() + _LOCATING_SECONDS
        while attempt is not None and entry.attempt is attempt:
            if self._memory.groups.get(group.id) is not group:
                return
            destination = self._outside.destinations.find(group.row.receiver, entry.channel)
            if isinstance(destination, Refusal):
                await asyncio.sleep(_PARKED_RETRY_SECONDS)
                continue
            place = self._located(group, entry, destination)
            if is_unlocated(place, entry) and time.monotonic() < give_up_at:
                await asyncio.sleep(_PARKED_RETRY_SECONDS)
                continue
            verdict = await self._sender.settle(group, entry, attempt, place)
            self.enqueue(group, entry, first=verdict.first)

    def _located(
        self, group: LiveGroup, entry: OutboxEntry, destination: Destination
    ) -> Destination:
        """Put in the channel's ID as Slack last told it, where no listing has told it yet."""
        known = self._sender.tally(group.row.receiver, entry.channel).channel_id
        if not known or is_conversation_id(destination.channel):
            return destination
        return replace(destination, channel=known)

    def _report(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)


def _lane(destination: Destination, operation: Operation) -> LaneKey:
    if operation is Operation.EDIT:
        return LaneKey(destination.team, "", Operation.EDIT)
    return LaneKey(destination.team, destination.channel, Operation.POST)


async def _nothing() -> None:
    """Give a place back that nothing was left to be sent in."""

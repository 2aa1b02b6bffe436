"""Lanes: where work waits for Slack's limits; a channel's posts, or a team's edits, are one lane.

A lane's work starts in order, when the pacer says so; a busy or broken lane never holds up another.
Called by delivery; everything happens on one event loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from tocsin.model.group import GroupId, Operation
from tocsin.pipeline.ports import Pacer

MAX_IN_FLIGHT: Final = 64
"""Calls to Slack at one time; posts and edits are counted apart, so neither starves the other."""

Work = tuple[GroupId, str]
"""An outbox entry: its group and channel."""


@dataclass(frozen=True, slots=True)
class LaneKey:
    """One queue: the posts of a team's channel, or the edits of a team (`channel` empty)."""

    team: str
    channel: str
    operation: Operation


class _Lane:
    __slots__ = ("paused_until", "queue", "starved", "timer", "waiting")

    def __init__(self) -> None:
        self.queue: deque[Work] = deque()
        self.waiting: set[Work] = set()
        self.paused_until = 0.0
        self.starved = False
        self.timer: asyncio.TimerHandle | None = None


class Lanes:
    """All lanes.

    `is_due` says whether work is still to be done, and in this lane; asked before a place within
    limits is spent on it. `deliver` does it, and returns once the outcome is settled or handed on;
    what it raises goes to `fail`.
    """

    def __init__(
        self,
        pacer: Pacer,
        is_due: Callable[[Work, LaneKey], bool],
        deliver: Callable[[Work, LaneKey], Coroutine[Any, Any, None]],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._pacer = pacer
        self._is_due = is_due
        self._deliver = deliver
        self._fail = fail
        self._lanes: dict[LaneKey, _Lane] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._free = {Operation.POST: MAX_IN_FLIGHT, Operation.EDIT: MAX_IN_FLIGHT}
        self._starved: deque[LaneKey] = deque()
        self._stopping = False

    def add(self, key: LaneKey, work: Work, *, first: bool = False) -> None:
        """Queue work, once; `first` puts back at the head what was tried before."""
        lane = self._lanes.setdefault(key, _Lane())
        if work in lane.waiting:
            return
        lane.waiting.add(work)
        if first:
            lane.queue.appendleft(work)
        else:
            lane.queue.append(work)
        self._pump(key)

    def take_now(self, key: LaneKey) -> bool:
        """Take a place at once if limits allow and nothing waits before; `start` must follow."""
        if self._stopping or key in self._lanes or not self._free[key.operation]:
            return False
        if self._pacer.next_slot(key.team, key.channel, key.operation) > time.monotonic():
            return False
        self._pacer.take(key.team, key.channel, key.operation)
        self._free[key.operation] -= 1
        return True

    def start(self, key: LaneKey, delivery: Coroutine[Any, Any, None]) -> None:
        """Run a delivery for which a place was taken."""
        task = asyncio.create_task(delivery)
        self._running.add(task)
        task.add_done_callback(lambda done: self._finished(key, done))

    def pause(self, key: LaneKey, seconds: float) -> None:
        """Start nothing of a lane for a while, as for a channel that cannot be posted to."""
        lane = self._lanes.setdefault(key, _Lane())
        lane.paused_until = time.monotonic() + seconds
        self._pump(key)

    async def stop(self, grace_seconds: float) -> None:
        """Start nothing any more; wait for what is in flight, then cancel it."""
        self._stopping = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        if self._running:
            _, late = await asyncio.wait(set(self._running), timeout=grace_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _pump(self, key: LaneKey) -> None:
        """Start what may start now; set a timer, or wait for room, for the rest."""
        lane = self._lanes.get(key)
        if lane is None or lane.starved or self._stopping:
            return
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        while lane.queue:
            if not self._is_due(lane.queue[0], key):
                lane.waiting.discard(lane.queue.popleft())
                continue
            now = time.monotonic()
            slot = self._pacer.next_slot(key.team, key.channel, key.operation)
            wait_seconds = max(slot, lane.paused_until) - now
            if wait_seconds > 0:
                self._wake_later(key, lane, wait_seconds)
                return
            if not self._free[key.operation]:
                lane.starved = True
                self._starved.append(key)
                return
            work = lane.queue.popleft()
            lane.waiting.discard(work)
            self._pacer.take(key.team, key.channel, key.operation)
            self._free[key.operation] -= 1
            self.start(key, self._deliver(work, key))
        wait_seconds = lane.paused_until - time.monotonic()
        if wait_seconds > 0:
            self._wake_later(key, lane, wait_seconds)
        else:
            del self._lanes[key]

    def _wake_later(self, key: LaneKey, lane: _Lane, seconds: float) -> None:
        lane.timer = asyncio.get_running_loop().call_later(seconds, self._pump, key)

    def _finished(self, key: LaneKey, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free[key.operation] += 1
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)
        for _ in range(len(self._starved)):
            if not self._free[key.operation]:
                break
            starved = self._starved.popleft()
            if starved.operation is not key.operation:
                self._starved.append(starved)
                continue
            self._lanes[starved].starved = False
            self._pump(starved)

"""Lanes: order, limits and fairness of what waits for Slack."""

import asyncio
import time

import pytest

from tocsin.model.group import GroupId, Operation
from tocsin.pipeline.lanes import MAX_IN_FLIGHT, LaneKey, Lanes, Work

BUSY = LaneKey("T1", "busy", Operation.POST)
QUIET = LaneKey("T1", "quiet", Operation.POST)
EDITS = LaneKey("T1", "", Operation.EDIT)


def work(name: str) -> Work:
    return GroupId(name.encode()), "channel"


class Pacer:
    """Limits that a test sets: channels in `closed` have no slot."""

    def __init__(self) -> None:
        self.closed: set[str] = set()
        self.taken: list[str] = []

    def next_slot(self, team: str, channel: str, operation: Operation) -> float:
        return time.monotonic() + 3600 if channel in self.closed else 0.0

    def take(self, team: str, channel: str, operation: Operation) -> None:
        self.taken.append(channel)

    def paused(self, team: str, channel: str, operation: Operation, seconds: float) -> None:
        raise AssertionError("lanes do not pause the pacer")


class Desk:
    """Delivers when the test says so."""

    def __init__(self) -> None:
        self.pacer = Pacer()
        self.started: list[str] = []
        self.moot: set[Work] = set()
        self.failures: list[BaseException] = []
        self.may_end = asyncio.Event()
        self.error: Exception | None = None
        self.lanes = Lanes(self.pacer, self.is_due, self.deliver, self.failures.append)

    def is_due(self, item: Work, key: LaneKey) -> bool:
        return item not in self.moot

    async def deliver(self, item: Work, key: LaneKey) -> None:
        self.started.append(item[0].decode())
        if self.error is not None:
            raise self.error
        await self.may_end.wait()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lane_starts_its_work_in_order_and_each_once() -> None:
    desk = Desk()
    desk.pacer.closed.add("busy")
    for name in ("a", "b", "a"):
        desk.lanes.add(BUSY, work(name))
    desk.lanes.add(BUSY, work("c"), first=True)
    await settle()
    assert desk.started == []
    desk.pacer.closed.clear()
    desk.lanes.pause(BUSY, 0)
    await settle()
    assert desk.started == ["c", "a", "b"]
    await desk.lanes.stop(0)


async def test_a_busy_lane_holds_up_no_other() -> None:
    desk = Desk()
    desk.pacer.closed.add("busy")
    desk.lanes.add(BUSY, work("a"))
    desk.lanes.add(QUIET, work("b"))
    await settle()
    assert desk.started == ["b"]
    await desk.lanes.stop(0)


async def test_work_that_became_moot_spends_no_slot() -> None:
    desk = Desk()
    desk.moot.add(work("a"))
    desk.lanes.add(QUIET, work("a"))
    desk.lanes.add(QUIET, work("b"))
    await settle()
    assert desk.started == ["b"]
    assert desk.pacer.taken == ["quiet"]
    await desk.lanes.stop(0)


async def test_edits_never_take_the_room_of_posts() -> None:
    desk = Desk()
    for number in range(MAX_IN_FLIGHT + 5):
        desk.lanes.add(EDITS, work(f"edit-{number}"))
    desk.lanes.add(QUIET, work("post"))
    await settle()
    assert len(desk.started) == MAX_IN_FLIGHT + 1
    assert "post" in desk.started
    desk.may_end.set()
    await settle()
    assert len(desk.started) == MAX_IN_FLIGHT + 6
    await desk.lanes.stop(1)


async def test_lanes_that_wait_for_room_are_served_in_turn() -> None:
    desk = Desk()
    for number in range(MAX_IN_FLIGHT):
        desk.lanes.add(BUSY, work(f"busy-{number}"))
    desk.lanes.add(BUSY, work("busy-last"))
    desk.lanes.add(QUIET, work("quiet"))
    desk.lanes.add(EDITS, work("edit"))
    await settle()
    assert "quiet" not in desk.started
    desk.may_end.set()
    await settle()
    assert desk.started[-2:] == ["busy-last", "quiet"]
    await desk.lanes.stop(1)


async def test_a_place_at_once_is_for_those_before_whom_nobody_waits() -> None:
    desk = Desk()
    desk.may_end.set()
    assert desk.lanes.take_now(QUIET)
    desk.lanes.start(QUIET, desk.deliver(work("a"), QUIET))
    desk.pacer.closed.add("busy")
    assert not desk.lanes.take_now(BUSY)
    desk.lanes.add(BUSY, work("b"))
    desk.pacer.closed.clear()
    assert not desk.lanes.take_now(BUSY), "b was there before"
    await desk.lanes.stop(1)
    assert not desk.lanes.take_now(QUIET), "nothing starts after a stop"


async def test_what_a_delivery_raises_is_reported() -> None:
    desk = Desk()
    desk.error = RuntimeError("the store is gone")
    desk.lanes.add(QUIET, work("a"))
    await settle()
    assert desk.failures == [desk.error]
    await desk.lanes.stop(0)


@pytest.mark.parametrize(("grace_seconds", "ends"), [(5.0, True), (0.0, False)])
async def test_a_stop_lets_what_is_in_flight_finish_and_starts_nothing(
    grace_seconds: float, ends: bool
) -> None:
    desk = Desk()
    ended: list[str] = []

    async def delivery() -> None:
        await desk.may_end.wait()
        ended.append("a")

    assert desk.lanes.take_now(QUIET)
    desk.lanes.start(QUIET, delivery())
    await settle()
    asyncio.get_running_loop().call_later(0.02, desk.may_end.set)
    await desk.lanes.stop(grace_seconds)
    assert bool(ended) is ends
    desk.lanes.add(BUSY, work("late"))
    await settle()
    assert desk.started == []

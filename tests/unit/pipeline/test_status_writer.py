"""The status writer, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from structlog.testing import capture_logs

from tests.unit.pipeline.api_server import ApiServer, receiver_spec
from tests.virtual_time import virtual_time
from tocsin.errors import KubeForbidden, KubeUnavailable
from tocsin.model.facts import Announcement, Report
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.pipeline.status_writer import COUNTER_SECONDS, WRITES_PER_SECOND, StatusWriter

OPS = ObjectKey(Kind.RECEIVER, "monitoring/ops")


class Desk:
    """A writer, and what it is to write: a status for each object, and announcements."""

    def __init__(self) -> None:
        self.server = ApiServer()
        self.wanted: dict[ObjectKey, dict[str, Any]] = {}
        self.announcements: tuple[Announcement, ...] = ()
        self.shown: list[Mapping[str, Any]] = []
        self.described_at: list[float] = []
        self.writer = StatusWriter(self.server, self._describe, lambda: 1_790_000_000.0)

    def introduce(self, name: str = "ops") -> ObjectKey:
        """Create a receiver that the writer knows."""
        body = self.server.put(Kind.RECEIVER, name, receiver_spec())
        key = ObjectKey(Kind.RECEIVER, f"monitoring/{name}")
        self.writer.seed(key, body["metadata"]["uid"], body["status"])
        return key

    def count(self, key: ObjectKey, sent: int, *, transition: bool = False) -> None:
        """Want another counter in a status, and say so as delivery does."""
        self.wanted[key] = {"observedGeneration": -1, "sent": sent}
        self.writer.changed(key.key, transition=transition)

    def writes(self) -> list[tuple[float, dict[str, Any]]]:
        return [(at, patch) for at, _, patch in self.server.patches]

    def _describe(self, key: ObjectKey, shown: Mapping[str, Any], now: float) -> Report | None:
        self.shown.append(shown)
        self.described_at.append(now)
        if key not in self.wanted:
            return None
        return Report(dict(self.wanted[key]), self.announcements)


@asynccontextmanager
async def _running() -> AsyncIterator[Desk]:
    desk = Desk()
    task = asyncio.create_task(desk.writer.run())
    try:
        yield desk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@virtual_time
async def test_a_patch_holds_only_what_differs_from_the_status_found() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.wanted[key] = {"observedGeneration": 1, "sent": 5}
        desk.writer.report(key, transition=True)
        await asyncio.sleep(1)
        assert desk.writes() == [(0, {"observedGeneration": 1, "sent": 5})]
        assert desk.described_at == [1_790_000_000.0]
        desk.wanted[key] = {"observedGeneration": 1, "failed": 2}
        desk.writer.report(key, transition=True)
        await asyncio.sleep(1)
        assert desk.writes()[1:] == [(1, {"failed": 2, "sent": None})]
        assert desk.server.status(key) == {"observedGeneration": 1, "failed": 2}


@virtual_time
async def test_nothing_is_written_when_nothing_changed() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.wanted[key] = {"observedGeneration": -1}
        for _ in range(5):
            desk.writer.report(key, transition=True)
            await asyncio.sleep(40)
        assert desk.writes() == []


@virtual_time
async def test_counters_are_written_at_most_every_thirty_seconds() -> None:
    async with _running() as desk:
        key = desk.introduce()
        for sent in range(100):
            desk.count(key, sent)
            await asyncio.sleep(1)
        times = [at for at, _ in desk.writes()]
        assert times == [0, COUNTER_SECONDS, 2 * COUNTER_SECONDS, 3 * COUNTER_SECONDS]
        assert desk.writes()[1][1] == {"sent": 30}


@virtual_time
async def test_a_transition_is_written_at_once_with_the_counters_of_then() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.count(key, 1)
        await asyncio.sleep(5)
        desk.count(key, 2)
        await asyncio.sleep(5)
        desk.count(key, 3, transition=True)
        await asyncio.sleep(0.1)
        assert desk.writes()[-1] == (10, {"sent": 3})


@virtual_time
async def test_a_receiver_that_flaps_is_written_once_a_second() -> None:
    async with _running() as desk:
        key = desk.introduce()
        for sent in range(100):
            desk.count(key, sent, transition=True)
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        assert len(desk.writes()) == 11
        assert desk.server.status(key)["sent"] == 99


@virtual_time
async def test_all_counters_together_stay_within_the_budget() -> None:
    async with _running() as desk:
        keys = [desk.introduce(f"r{number}") for number in range(400)]
        for key in keys:
            desk.count(key, 1)
        await asyncio.sleep(10)
        assert len(desk.writes()) <= 12 * WRITES_PER_SECOND
        await asyncio.sleep(10)
        assert len(desk.writes()) == 400


@virtual_time
async def test_transitions_do_not_wait_for_the_budget_that_counters_used_up() -> None:
    async with _running() as desk:
        keys = [desk.introduce(f"r{number}") for number in range(400)]
        for key in keys:
            desk.count(key, 1)
        await asyncio.sleep(1)
        last = keys[-1]
        assert "sent" not in desk.server.status(last)
        desk.count(last, 2, transition=True)
        await asyncio.sleep(0.1)
        assert desk.server.status(last)["sent"] == 2


@virtual_time
async def test_a_first_status_does_not_wait_for_the_budget_either() -> None:
    async with _running() as desk:
        for number in range(400):
            desk.count(desk.introduce(f"r{number}"), 1)
        await asyncio.sleep(1)
        key = desk.introduce("new")
        desk.wanted[key] = {"observedGeneration": 1}
        desk.writer.report(key, transition=False)
        await asyncio.sleep(0.1)
        assert desk.server.status(key) == {"observedGeneration": 1}


@virtual_time
async def test_counters_wait_for_transitions_that_used_up_the_budget() -> None:
    async with _running() as desk:
        for number in range(200):
            desk.count(desk.introduce(f"r{number}"), 1, transition=True)
        await asyncio.sleep(0.1)
        assert len(desk.writes()) == 200
        key = desk.introduce("late")
        desk.count(key, 1)
        for sent in range(2, 20):
            await asyncio.sleep(0.2)
            desk.count(key, sent)
        assert "sent" not in desk.server.status(key)
        await asyncio.sleep(6)
        assert desk.server.status(key)["sent"] == 19


@virtual_time
async def test_a_write_that_failed_is_tried_again_and_stays_a_transition() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.count(key, 1)
        await asyncio.sleep(1)
        desk.server.refusals["patch"] = KubeUnavailable("no answer")
        desk.count(key, 2, transition=True)
        await asyncio.sleep(20)
        del desk.server.refusals["patch"]
        await asyncio.sleep(30)
        assert desk.server.status(key)["sent"] == 2


@virtual_time
async def test_counters_that_could_not_be_written_are_written_later() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.server.refusals["patch"] = KubeForbidden("not now")
        desk.count(key, 1)
        await asyncio.sleep(100)
        del desk.server.refusals["patch"]
        await asyncio.sleep(40)
        assert desk.server.status(key)["sent"] == 1


@virtual_time
async def test_an_object_that_is_gone_is_let_be() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.server.delete(Kind.RECEIVER, "ops")
        with capture_logs() as logs:
            desk.count(key, 1, transition=True)
            await asyncio.sleep(100)
        assert logs == []
        assert desk.writes() == []


@virtual_time
async def test_nothing_is_written_of_objects_that_are_unknown_forgotten_or_not_looked_at() -> None:
    async with _running() as desk:
        desk.count(OPS, 1, transition=True)
        await asyncio.sleep(1)
        assert desk.shown == []
        key = desk.introduce()
        del desk.wanted[key]
        desk.writer.report(key, transition=True)
        await asyncio.sleep(1)
        desk.count(key, 1, transition=True)
        desk.writer.forget(key)
        await asyncio.sleep(1)
        assert desk.writes() == []


@virtual_time
async def test_an_object_created_anew_is_written_anew() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.count(key, 1)
        await asyncio.sleep(1)
        desk.server.delete(Kind.RECEIVER, "ops")
        desk.introduce()
        desk.writer.report(key, transition=False)
        await asyncio.sleep(1)
        assert desk.server.status(key) == {"observedGeneration": -1, "sent": 1}


@virtual_time
async def test_a_known_object_keeps_the_status_that_was_written() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.count(key, 1)
        await asyncio.sleep(1)
        uid = desk.server.objects[Kind.RECEIVER][key.key]["metadata"]["uid"]
        desk.writer.seed(key, uid, {"observedGeneration": -1})
        desk.writer.report(key, transition=True)
        await asyncio.sleep(2)
        assert len(desk.writes()) == 1


@virtual_time
async def test_an_object_created_anew_during_a_write_is_not_taken_for_the_one_before() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.count(key, 1, transition=True)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        desk.writer.seed(key, "another uid", {})
        desk.writer.report(key, transition=True)
        await asyncio.sleep(3)
        assert [patch for _, patch in desk.writes()] == [
            {"sent": 1},
            {"observedGeneration": -1, "sent": 1},
        ]


@virtual_time
async def test_announcements_become_k8s_events_once_the_status_is_written() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.announcements = (Announcement("NotInChannel", "#a: not a member", True),)
        desk.server.refusals["patch"] = KubeUnavailable("no answer")
        desk.count(key, 1, transition=True)
        await asyncio.sleep(0.1)
        assert desk.server.events == []
        del desk.server.refusals["patch"]
        await asyncio.sleep(3)
        assert desk.server.events == [("ops", "NotInChannel", True)]


@virtual_time
async def test_the_same_announcement_is_made_once_in_ten_minutes() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.announcements = (Announcement("NotInChannel", "#a: not a member", True),)
        for sent in range(12):
            desk.count(key, sent, transition=True)
            await asyncio.sleep(60)
        assert len(desk.server.events) == 2
        desk.announcements = (Announcement("NotInChannel", "#b: not a member", True),)
        desk.count(key, 99, transition=True)
        await asyncio.sleep(1)
        assert len(desk.server.events) == 3


@virtual_time
async def test_an_announcement_that_cannot_be_made_is_lost_and_the_status_stays() -> None:
    async with _running() as desk:
        key = desk.introduce()
        desk.announcements = (Announcement("NotInChannel", "#a: not a member", True),)
        desk.server.refusals["publish"] = KubeForbidden("no k8s events here")
        with capture_logs() as logs:
            desk.count(key, 1, transition=True)
            await asyncio.sleep(60)
        assert len(desk.writes()) == 1
        assert [entry["event"] for entry in logs] == ["no k8s event created"]

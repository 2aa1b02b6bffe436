"""Everything from the resource mirror to the status writer, around an API server in memory."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from tests.unit.pipeline.api_server import ApiServer, Body
from tests.unit.pipeline.doubles import FakeSlack
from tocsin.errors import StoreUnavailable
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.snapshot import Snapshot, key_of
from tocsin.model.tally import Tally
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.findings import Findings
from tocsin.pipeline.ports import Kube
from tocsin.pipeline.reconciler import Reconciler
from tocsin.pipeline.resource_cache import ResourceCache
from tocsin.pipeline.resource_mirror import ResourceMirror
from tocsin.pipeline.snapshot_feed import SnapshotFeed
from tocsin.pipeline.status_writer import StatusWriter
from tocsin.pipeline.workspaces import Workspaces

EPOCH = 1_790_000_000.0


class Sink:
    """Keeps the snapshots that it was fed, with the time; refuses while `is_away`."""

    def __init__(self) -> None:
        self.snapshots: list[tuple[float, Snapshot]] = []
        self.is_away = False

    async def adopt(self, snapshot: Snapshot) -> None:
        if self.is_away:
            raise StoreUnavailable("the disk is full")
        self.snapshots.append((asyncio.get_running_loop().time(), snapshot))


class Deliveries:
    """What delivery knows: `tallies` and `waits` by (receiver, channel)."""

    def __init__(self) -> None:
        self.tallies: dict[tuple[str, str], Tally] = {}
        self.waits: dict[tuple[str, str], int] = {}

    def tally(self, receiver: str, channel: str) -> Tally:
        return self.tallies.setdefault((receiver, channel), Tally())

    def waiting(self, receiver: str, channel: str) -> int:
        return self.waits.get((receiver, channel), 0)


class Assembly:
    """The parts under test around an API server, and doubles of what else they need."""

    def __init__(self, kube: Kube) -> None:
        self.slack = FakeSlack()
        self.slack.has("C00000001", "a")
        self.sink = Sink()
        self.deliveries = Deliveries()
        self.cache = ResourceCache()
        findings = Findings(self.cache, self.deliveries)
        self.writer = StatusWriter(kube, findings.describe, _now)
        self.feed = SnapshotFeed(self.sink, self.cache.snapshot)
        self.workspaces = Workspaces(self.slack, kube, (), (), _now)
        self.directory = ChannelDirectory(self.slack, asyncio.get_running_loop().time)
        self.reconciler = Reconciler(
            self.cache, self.feed, self.workspaces, self.directory, findings, self.writer
        )
        self.mirror = ResourceMirror(kube, self.cache, self.reconciler)

    def runs(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run."""
        return [self.mirror.run(), self.reconciler.run(), self.writer.run()]


class Control(Assembly):
    """The parts under test around an API server in memory."""

    def __init__(self) -> None:
        self.server = ApiServer()
        self.server.secrets["monitoring", "slack-token"] = {"token": b"xoxb-1-2-made-up"}
        super().__init__(self.server)

    def apply(self, kind: Kind, name: str, spec: Body, namespace: str = "monitoring") -> None:
        """Create or change an object, and have the watch tell."""
        is_new = key_of(namespace, name) not in self.server.objects[kind]
        body = self.server.put(kind, name, spec, namespace)
        self.mirror.observe(kind, "ADDED" if is_new else "MODIFIED", body)

    def delete(self, kind: Kind, name: str) -> None:
        """Delete an object, and have the watch tell."""
        self.mirror.observe(kind, "DELETED", self.server.delete(kind, name))

    def status(self, kind: Kind, name: str, namespace: str = "monitoring") -> Body:
        """The status that is written."""
        return self.server.status(ObjectKey(kind, key_of(namespace, name)))

    def condition(
        self, kind: Kind, name: str, condition: str = "Ready", namespace: str = "monitoring"
    ) -> tuple[str, str, str]:
        """Status, reason and message of a condition."""
        conditions: list[dict[str, Any]] = self.status(kind, name, namespace)["conditions"]
        (found,) = (each for each in conditions if each["type"] == condition)
        return found["status"], found["reason"], found["message"]


def _now() -> float:
    return EPOCH + asyncio.get_running_loop().time()


@asynccontextmanager
async def running() -> AsyncIterator[Control]:
    """Control, at work."""
    control = Control()
    tasks = [asyncio.create_task(run) for run in control.runs()]
    try:
        yield control
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results

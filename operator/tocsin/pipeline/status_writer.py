"""Writes statuses: what a person should see at once, counters now and then, and only what differs.

In: `changed` by delivery, `report` by the reconciler; what to write comes from `describe` when it
is written, so that any number of changes are one write. Out: merge patches of statuses, and k8s
events about the objects.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Never

import structlog

from tocsin.errors import KubeError, KubeNotFound
from tocsin.model.facts import Announcement, Report
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.resources import API_VERSION
from tocsin.pipeline.ports import Kube
from tocsin.pipeline.workqueue import WorkQueue
from tocsin.stages.reporting import difference

TRANSITION_SECONDS: Final = 1.0
"""At least so long between two writes of one object, whatever changes."""
COUNTER_SECONDS: Final = 30.0
"""At least so long between two writes of an object of which only counters or times changed."""
WRITES_PER_SECOND: Final = 20.0
"""Of all objects together; transitions do not wait for it, but counters then wait for them."""
_BURST_SECONDS: Final = 2.0
_ANNOUNCED_SECONDS: Final = 600.0
_LONGEST_BACKOFF_SECONDS: Final = 30.0
_TOLD_AT_ONCE: Final = frozenset({"observedGeneration", "conditions"})

_log = structlog.get_logger(__name__)

Describe = Callable[[ObjectKey, Mapping[str, Any], float], Report | None]
"""The report on an object, given the status as shown and now; None while there is nothing to say.
"""

_Known = tuple[str, Mapping[str, Any]]
"""An object's uid, and its status as last written or found."""


class StatusWriter:
    """Writes the statuses of all objects it was introduced to by `seed`."""

    def __init__(
        self, kube: Kube, describe: Describe, now: Callable[[], float] = time.time
    ) -> None:
        self._kube = kube
        self._describe = describe
        self._now = now
        self._queue: WorkQueue[ObjectKey] = WorkQueue(
            self._write, longest_backoff_seconds=_LONGEST_BACKOFF_SECONDS
        )
        self._objects: dict[ObjectKey, _Known] = {}
        self._urgent: set[ObjectKey] = set()
        self._written_at: dict[ObjectKey, float] = {}
        self._slots: dict[ObjectKey, float] = {}
        self._last_slot = -_BURST_SECONDS
        self._announced: dict[tuple[str, Announcement], float] = {}

    def seed(self, key: ObjectKey, uid: str, status: Mapping[str, Any]) -> None:
        """Introduce an object, with the status that it was found with; no news of a known one."""
        if key not in self._objects or self._objects[key][0] != uid:
            self._objects[key] = (uid, status)
            self._written_at.pop(key, None)

    def changed(self, key: str, *, transition: bool) -> None:
        """Write a receiver's (`namespace/name`) status soon; at once for a transition."""
        self.report(ObjectKey(Kind.RECEIVER, key), transition=transition)

    def report(self, key: ObjectKey, *, transition: bool) -> None:
        """Write an object's status soon; at once for a transition, which a person should see."""
        if key not in self._objects:
            return
        rest_seconds = COUNTER_SECONDS
        if transition:
            self._urgent.add(key)
            rest_seconds = TRANSITION_SECONDS
        due = self._written_at.get(key, -rest_seconds) + rest_seconds
        if not transition:
            due = max(due, self._slots.get(key, 0.0))
        self._queue.add(key, max(0.0, due - _monotonic()))

    def forget(self, key: ObjectKey) -> None:
        """Write nothing more about an object, which was deleted."""
        self._queue.forget(key)
        self._urgent.discard(key)
        self._objects.pop(key, None)
        self._written_at.pop(key, None)
        self._slots.pop(key, None)

    async def run(self) -> Never:
        """Write until cancelled."""
        await self._queue.run()

    async def _write(self, key: ObjectKey) -> float | None:
        known = self._objects.get(key)
        if known is None or (report := self._describe(key, known[1], self._now())) is None:
            return None
        patch = difference(known[1], report.status)
        if not patch:
            self._urgent.discard(key)
            return None
        is_urgent = key in self._urgent or not patch.keys().isdisjoint(_TOLD_AT_ONCE)
        if (wait_seconds := self._reserve(key)) > 0 and not is_urgent:
            return wait_seconds
        self._slots.pop(key, None)
        await self._patch(key, patch, known, report)
        for announcement in report.announcements:
            await self._announce(key, known[0], announcement)
        return None

    async def _patch(
        self, key: ObjectKey, patch: Mapping[str, Any], known: _Known, report: Report
    ) -> None:
        was_urgent = key in self._urgent
        self._urgent.discard(key)
        try:
            await self._kube.patch_status(key.kind, key.namespace, key.name, patch)
        except KubeNotFound:
            return  # deleted; the mirror will say so
        except KubeError:
            if was_urgent:
                self._urgent.add(key)
            raise
        if self._objects.get(key) is known:
            self._objects[key] = (known[0], report.status)
            self._written_at[key] = _monotonic()

    def _reserve(self, key: ObjectKey) -> float:
        """Give a write its place in time; return for how long that is to be waited for."""
        now = _monotonic()
        if key not in self._slots:
            earliest = max(self._last_slot, now - _BURST_SECONDS)
            self._slots[key] = self._last_slot = earliest + 1 / WRITES_PER_SECOND
        return self._slots[key] - now

    async def _announce(self, key: ObjectKey, uid: str, announcement: Announcement) -> None:
        """Create a k8s event, but not the same one again within ten minutes.

        One that cannot be created is lost: the status says the same, and stays.
        """
        now = _monotonic()
        for told, at in list(self._announced.items()):
            if at + _ANNOUNCED_SECONDS > now:
                break  # in the order in which they were told
            del self._announced[told]
        if (uid, announcement) in self._announced:
            return
        self._announced[uid, announcement] = now
        regarding = {
            "apiVersion": API_VERSION,
            "kind": key.kind.value,
            "metadata": {"namespace": key.namespace, "name": key.name, "uid": uid},
        }
        try:
            await self._kube.publish(
                regarding, announcement.reason, announcement.note, announcement.warn
            )
        except KubeError as error:
            _log.warning("no k8s event created", object=str(key), error=str(error))


def _monotonic() -> float:
    return asyncio.get_running_loop().time()

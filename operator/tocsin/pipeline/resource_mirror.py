"""Keeps the resource cache equal to the API server, and survives what happens to either.

In: watch events (`observe`), and lists of its own, every ten minutes and whenever a watch may have
missed something. Out: calls of the `ResourceListener`. A deletion is believed only once a list
shows that the kind itself is still there: objects that vanish with their CRD, or behind withdrawn
RBAC, are kept ("suspended") until the kind is back.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

import structlog

from tocsin.errors import KubeError, KubeForbidden, KubeNotFound
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.snapshot import key_of
from tocsin.pipeline.ports import Kube
from tocsin.pipeline.resource_cache import ResourceCache
from tocsin.pipeline.workqueue import WorkQueue

RESYNC_SECONDS: Final = 600.0
"""Between two lists without a reason; also how long a kind that came back waits for its objects."""
GRANTS_SECONDS: Final = 60.0
"""Between two looks at the namespaces' labels while a SlackConfig grants by selector."""
_RETURNED_SECONDS: Final = 60.0
_TOLD_SECONDS: Final = 5.0
_SUSPENDED_SECONDS: Final = 3.0
_RELISTED_SECONDS: Final = 2.0
_DELETED_SECONDS: Final = 0.2
_LIST_PAUSE_FACTOR: Final = 5
_LONGEST_BACKOFF_SECONDS: Final = 15.0
_SLICE: Final = 100

_NAMESPACES: Final = "Namespace"

_log = structlog.get_logger(__name__)


class ResourceListener(Protocol):
    """Who is told what changed; called on the event loop, and returns at once."""

    def synced(self) -> None:
        """Everything was listed for the first time."""
        ...

    def changed(self, key: ObjectKey, body: Mapping[str, Any]) -> None:
        """An object is new or differs; the cache holds it already."""
        ...

    def forgotten(self, key: ObjectKey) -> None:
        """An object was deleted; the cache no longer holds it."""
        ...

    def regranted(self) -> None:
        """Labels of namespaces changed, by which SlackConfigs may grant."""
        ...


class ResourceMirror:
    """Lists and believes; `observe` and `run` belong on one event loop.

    `rewatch` is set when watches have to begin anew: when a kind is back, which kopf does not
    always notice (it may read the API server's discovery before the kind is in it), and when a list
    showed a change of which the watch does not tell. The watching edge clears it.
    """

    def __init__(self, kube: Kube, cache: ResourceCache, listener: ResourceListener) -> None:
        self._kube = kube
        self._cache = cache
        self._listener = listener
        self._lists: WorkQueue[str] = WorkQueue(
            self._list, longest_backoff_seconds=_LONGEST_BACKOFF_SECONDS
        )
        self._unlisted: set[str] = {*Kind, _NAMESPACES}
        self._suspended: dict[str, KubeError] = {}
        self._returned: dict[Kind, tuple[float, int]] = {}
        self._rested_at: dict[str, float] = {}
        self._untold: set[ObjectKey] = set()
        self.rewatch = asyncio.Event()

    @property
    def is_synced(self) -> bool:
        """Whether everything was listed at least once."""
        return not self._unlisted

    @property
    def suspended(self) -> Collection[str]:
        """The kinds (or "Namespace") that cannot be listed; what is known of them is kept."""
        return self._suspended

    def observe(self, kind: Kind, change: str | None, body: Mapping[str, Any]) -> None:
        """Take a watch event: ADDED, MODIFIED, DELETED, or None for one of a watch's first list."""
        if change == "DELETED":
            self._lists.add(kind, _DELETED_SECONDS)
            return
        if change is None:
            if self.is_synced:  # the watch began anew: deletions may have been missed
                self._lists.add(kind, _RELISTED_SECONDS)
        elif self._is_outdated(kind, body["metadata"]):
            return
        if kind in self._suspended:
            self._lists.add(kind)
        if body["metadata"]["namespace"] not in self._cache.namespaces:
            self._lists.add(_NAMESPACES)
        self._untold.discard(self._put(kind, body)[0])

    async def run(self) -> None:
        """List everything until it succeeds, then again whenever due; runs until cancelled."""
        for name in self._unlisted:
            self._lists.add(name)
        await self._lists.run()

    async def _list(self, name: str) -> float:
        """Bring the cache up to date with one list; return in how many seconds to do so again.

        However many deletions ask for lists, these leave most of the time to others.
        """
        if (rest_seconds := self._rested_at.get(name, 0.0) - _now()) > 0:
            return rest_seconds
        try:
            if name == _NAMESPACES:
                await self._list_namespaces()
            else:
                await self._list_objects(Kind(name))
        except (KubeNotFound, KubeForbidden) as error:
            self._suspend(name, error)
            return _SUSPENDED_SECONDS
        if name in self._unlisted:
            self._unlisted.discard(name)
            if self.is_synced:
                self._listener.synced()
        return self._interval_seconds(name)

    def _interval_seconds(self, name: str) -> float:
        if name == _NAMESPACES:
            configs = self._cache.configs.values()
            by_label = any(config.spec.allowed_namespaces.selector for config in configs)
            return GRANTS_SECONDS if by_label else RESYNC_SECONDS
        waits_until, _ = self._returned.get(Kind(name), (0.0, 0))
        return _RETURNED_SECONDS if _now() < waits_until else RESYNC_SECONDS

    async def _list_namespaces(self) -> None:
        labels = await self._kube.namespace_labels()
        self._suspended.pop(_NAMESPACES, None)
        if self._cache.put_namespaces(labels):
            self._listener.regranted()

    async def _list_objects(self, kind: Kind) -> None:
        began, began_at = self._cache.sequence, _now()
        listing = self._kube.list_configs if kind is Kind.CONFIG else self._kube.list_receivers
        bodies = await listing()
        if (reason := self._suspended.pop(kind, None)) is not None:
            self._resume(kind, reason)
        found, changed = set(), set()
        for number, body in enumerate(bodies, start=1):
            metadata = body["metadata"]
            key = ObjectKey(kind, key_of(metadata["namespace"], metadata["name"]))
            found.add(key.key)
            known = self._cache.get(key)
            if (known is None or known.sequence <= began) and self._put(kind, body)[1]:
                changed.add(key)
            if number % _SLICE == 0:
                await asyncio.sleep(0)  # parsing thousands must not hold up intake
        for name in set(self._cache.keys(kind)) - found:
            self._miss(ObjectKey(kind, name), began)
        self._rested_at[kind] = _now() + _LIST_PAUSE_FACTOR * (_now() - began_at)
        if changed and kind not in self._unlisted:
            self._untold |= changed
            asyncio.get_running_loop().call_later(_TOLD_SECONDS, self._check_told, changed)

    def _check_told(self, changed: set[ObjectKey]) -> None:
        """Have watches begin anew if a change that a list showed did not come by the watch, too."""
        if self._untold & changed:
            _log.warning("the watch misses changes", objects=len(self._untold & changed))
            self._untold -= changed
            self.rewatch.set()

    def _miss(self, key: ObjectKey, began: int) -> None:
        """Forget an object that a list did not show, unless it is newer or still waited for."""
        known = self._cache.get(key)
        if known is None or known.sequence > began:
            return
        waits_until, sequence = self._returned.get(key.kind, (0.0, 0))
        if known.sequence <= sequence and _now() < waits_until:
            return
        self._cache.remove(key)
        self._listener.forgotten(key)

    def _put(self, kind: Kind, body: Mapping[str, Any]) -> tuple[ObjectKey, bool]:
        """Give an object to the cache; return its key and whether it differed."""
        metadata = body["metadata"]
        key = ObjectKey(kind, key_of(metadata["namespace"], metadata["name"]))
        differs = self._cache.put(kind, body)
        if differs:
            self._listener.changed(key, body)
        return key, differs

    def _is_outdated(self, kind: Kind, metadata: Mapping[str, Any]) -> bool:
        """Whether a list has shown a newer version before the watch came to tell of this one."""
        key = ObjectKey(kind, key_of(metadata["namespace"], metadata["name"]))
        known = self._cache.get(key)
        return (
            known is not None
            and known.uid == metadata["uid"]
            and int(metadata["resourceVersion"]) < int(known.resource_version)
        )

    def _suspend(self, name: str, reason: KubeError) -> None:
        """Keep what is known of a kind that cannot be listed; that it is gone weighs heaviest."""
        if name not in self._suspended:
            _log.warning("cannot be listed; what is known is kept", kind=name, error=str(reason))
        if not isinstance(self._suspended.get(name), KubeNotFound):
            self._suspended[name] = reason

    def _resume(self, kind: Kind, reason: KubeError) -> None:
        """Take up a kind that is back; if it was gone, its objects have ten minutes to come, too.

        That a CRD was deleted has deleted its objects; lack of rights has not.
        """
        if isinstance(reason, KubeNotFound):
            self._returned[kind] = (_now() + RESYNC_SECONDS, self._cache.sequence)
        self.rewatch.set()
        _log.info("can be listed again", kind=kind)


def _now() -> float:
    return asyncio.get_running_loop().time()

"""An API server in memory for tests of the mirror, the reconciler and the status writer."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from tocsin.errors import KubeError, KubeNotFound
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.snapshot import key_of

Body = dict[str, Any]


def config_spec(**spec: Any) -> Body:
    """The spec of a SlackConfig that is in order."""
    return {"tokenSecretRef": {"name": "slack-token"}, **spec}


def receiver_spec(*channels: str, config: str = "acme", **spec: Any) -> Body:
    """The spec of a SlackReceiver that is in order."""
    return {"configRef": {"name": config}, "channels": list(channels or ("#a",)), **spec}


class ApiServer:
    """Holds objects; `refusals` are raised by lists of that kind (or "Namespace") and by writes.

    `lists` are the lists asked for, `patches` the status writes, each with its time; `events` what
    was published (name, reason, warning) and `notes` in which words.
    """

    def __init__(self) -> None:
        self.objects: dict[Kind, dict[str, Body]] = {kind: {} for kind in Kind}
        self.secrets: dict[tuple[str, str], dict[str, bytes]] = {}
        self.labels: dict[str, dict[str, str]] = {"monitoring": {}}
        self.refusals: dict[str, KubeError] = {}
        self.list_seconds = 0.0
        self.lists: list[tuple[float, str]] = []
        self.patches: list[tuple[float, str, Body]] = []
        self.events: list[tuple[str, str, bool]] = []
        self.notes: list[str] = []
        self._versions = itertools.count(1)

    def put(self, kind: Kind, name: str, spec: Body, namespace: str = "monitoring") -> Body:
        """Create or change an object; return what a watch would show."""
        key = key_of(namespace, name)
        known = self.objects[kind].get(key)
        version = next(self._versions)
        body = {
            "apiVersion": "tocsin.dev/v1alpha1",
            "kind": kind.value,
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": known["metadata"]["uid"] if known else f"uid-{version}",
                "generation": known["metadata"]["generation"] + 1 if known else 1,
                "resourceVersion": str(version),
            },
            "spec": spec,
            "status": known["status"] if known else {"observedGeneration": -1},
        }
        self.objects[kind][key] = body
        return deepcopy(body)

    def delete(self, kind: Kind, name: str, namespace: str = "monitoring") -> Body:
        """Delete an object; return what a watch would show."""
        return self.objects[kind].pop(key_of(namespace, name))

    def status(self, key: ObjectKey) -> Body:
        """An object's status."""
        status: Body = self.objects[key.kind][key.key]["status"]
        return status

    async def list_configs(self) -> Sequence[Mapping[str, Any]]:
        return await self._list(Kind.CONFIG)

    async def list_receivers(self) -> Sequence[Mapping[str, Any]]:
        return await self._list(Kind.RECEIVER)

    async def namespace_labels(self) -> Mapping[str, Mapping[str, str]]:
        await self._answer("Namespace")
        return deepcopy(self.labels)

    async def secret_value(self, namespace: str, name: str, key: str) -> bytes | None:
        if (namespace, name) not in self.secrets:
            raise KubeNotFound(f"Secret {namespace}/{name} does not exist")
        return self.secrets[namespace, name].get(key)

    async def config_map_value(self, namespace: str, name: str, key: str) -> bytes | None:
        raise KubeNotFound(f"ConfigMap {namespace}/{name} with {key} does not exist")

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None:
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(0)
        if "patch" in self.refusals:
            raise self.refusals["patch"]
        body = self.objects[Kind(kind)].get(key_of(namespace, name))
        if body is None:
            raise KubeNotFound(f"{kind} {namespace}/{name}")
        self.patches.append((now, key_of(namespace, name), deepcopy(dict(status))))
        body["status"] = _merged(body["status"], status)
        body["metadata"]["resourceVersion"] = str(next(self._versions))

    async def publish(
        self, regarding: Mapping[str, Any], reason: str, note: str, warn: bool
    ) -> None:
        if "publish" in self.refusals:
            raise self.refusals["publish"]
        self.events.append((regarding["metadata"]["name"], reason, warn))
        self.notes.append(note)

    async def close(self) -> None: ...

    async def _list(self, kind: Kind) -> Sequence[Mapping[str, Any]]:
        found = deepcopy(list(self.objects[kind].values()))
        await self._answer(kind)
        return found

    async def _answer(self, what: str) -> None:
        self.lists.append((asyncio.get_running_loop().time(), what))
        refusal = self.refusals.get(what)
        await asyncio.sleep(self.list_seconds)
        if refusal is not None:
            raise refusal


def _merged(before: Body, patch: Mapping[str, Any]) -> Body:
    """RFC 7386."""
    merged = dict(before)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
            merged[name] = _merged(merged[name], value)
        else:
            merged[name] = deepcopy(value)
    return merged

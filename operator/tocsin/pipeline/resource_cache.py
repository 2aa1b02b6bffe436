"""What was last seen of each resource: parsed, indexed, and ready to become a snapshot.

In: objects as a list or a watch gave them. Out: what changed, and snapshots of what is valid. Kept
by the resource mirror, read by the reconciler. No I/O and no time.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tocsin.errors import ResourceInvalid
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.resources import SlackConfig, SlackReceiver, parse_config, parse_receiver
from tocsin.model.snapshot import Snapshot, key_of


@dataclass(frozen=True, slots=True)
class Observed:
    """One object as last seen.

    Exactly one of `resource` and `flaw` is set: `flaw` says what is wrong with an object that got
    past the schema. `sequence` orders what was seen by when it was seen.
    """

    uid: str
    generation: int
    resource_version: str
    sequence: int
    resource: SlackConfig | SlackReceiver | None
    flaw: ResourceInvalid | None = None


class ResourceCache:
    """All resources of both kinds, and the labels of all namespaces."""

    def __init__(self) -> None:
        self._observed: dict[Kind, dict[str, Observed]] = {kind: {} for kind in Kind}
        self._configs: dict[str, SlackConfig] = {}
        self._receivers: dict[str, SlackReceiver] = {}
        self._users: defaultdict[str, set[str]] = defaultdict(set)
        self._namespaces: Mapping[str, Mapping[str, str]] = {}
        self._sequence = 0

    @property
    def sequence(self) -> int:
        """A number that grows with each object seen; what is seen later has a greater one."""
        return self._sequence

    @property
    def configs(self) -> Mapping[str, SlackConfig]:
        """All SlackConfigs that parsed, by `namespace/name`."""
        return self._configs

    @property
    def receivers(self) -> Mapping[str, SlackReceiver]:
        """All SlackReceivers that parsed, by `namespace/name`."""
        return self._receivers

    @property
    def namespaces(self) -> Mapping[str, Mapping[str, str]]:
        """Each namespace's labels."""
        return self._namespaces

    def get(self, key: ObjectKey) -> Observed | None:
        """Return what was last seen of an object, None where it is not known."""
        return self._observed[key.kind].get(key.key)

    def keys(self, kind: Kind) -> Collection[str]:
        """Return the keys of all known objects of a kind, valid or not."""
        return self._observed[kind].keys()

    def users_of(self, config: str) -> Collection[str]:
        """Return the keys of the valid SlackReceivers that refer to a SlackConfig."""
        return self._users.get(config, ())

    def put(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Take over an object as the API server holds it; return whether that is news.

        It is no news where neither spec, labels nor flaw differ (status writes come back, too). A
        malformed object replaces its last valid generation: it is then in no snapshot.
        """
        metadata = body["metadata"]
        key = key_of(metadata["namespace"], metadata["name"])
        before = self._observed[kind].get(key)
        self._sequence += 1
        version = (metadata["uid"], metadata["resourceVersion"])
        if before is not None and version == (before.uid, before.resource_version):
            self._observed[kind][key] = replace(before, sequence=self._sequence)
            return False
        resource, flaw = _parse(kind, body)
        seen = Observed(
            uid=metadata["uid"],
            generation=metadata["generation"],
            resource_version=metadata["resourceVersion"],
            sequence=self._sequence,
            resource=resource,
            flaw=flaw,
        )
        self._observed[kind][key] = seen
        if before is not None and _says_the_same(before, seen):
            return False
        self._index(kind, key, resource)
        return True

    def remove(self, key: ObjectKey) -> None:
        """Forget an object; nothing happens where it is not known."""
        self._observed[key.kind].pop(key.key, None)
        self._index(key.kind, key.key, None)

    def put_namespaces(self, labels: Mapping[str, Mapping[str, str]]) -> bool:
        """Take over the labels of all namespaces; return whether they differ."""
        differ = labels != self._namespaces
        self._namespaces = labels
        return differ

    def snapshot(self) -> Snapshot:
        """Return everything valid at this moment; later changes do not reach it."""
        return Snapshot(dict(self._configs), dict(self._receivers), self._namespaces)

    def _index(self, kind: Kind, key: str, resource: SlackConfig | SlackReceiver | None) -> None:
        """Make `resource` the valid one under `key`; None: there is none."""
        if kind is Kind.RECEIVER and (before := self._receivers.pop(key, None)) is not None:
            self._users[before.config_key].discard(key)
            if not self._users[before.config_key]:
                del self._users[before.config_key]
        if kind is Kind.CONFIG:
            self._configs.pop(key, None)
        if isinstance(resource, SlackReceiver):
            self._receivers[key] = resource
            self._users[resource.config_key].add(key)
        elif isinstance(resource, SlackConfig):
            self._configs[key] = resource


def _parse(
    kind: Kind, body: Mapping[str, Any]
) -> tuple[SlackConfig | SlackReceiver | None, ResourceInvalid | None]:
    try:
        return (parse_config if kind is Kind.CONFIG else parse_receiver)(body), None
    except ResourceInvalid as flaw:
        return None, flaw


def _says_the_same(before: Observed, after: Observed) -> bool:
    return (
        before.uid == after.uid
        and before.generation == after.generation
        and before.resource == after.resource
        and str(before.flaw) == str(after.flaw)
    )

"""Adopting: what a new picture of the resources changes in routes and groups.

Called by the dispatcher between steps. Only receivers that changed are looked at; a signal is
routed again only for those whose matchers, channels or grouping did.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence

from tocsin.errors import ResourceInvalid
from tocsin.model.entry import Entry, entries_of
from tocsin.model.group import GroupId
from tocsin.model.records import Step
from tocsin.model.resources import parse_config, parse_receiver
from tocsin.model.signal import SignalId, Status, decode_signal
from tocsin.model.snapshot import Snapshot
from tocsin.pipeline.absorbing import Absorber
from tocsin.pipeline.flushing import Flusher
from tocsin.pipeline.memory import Held, LiveGroup, Memory
from tocsin.stages.routing import Route, Routes

Scan = AsyncIterator[Sequence[tuple[SignalId, bytes]]]


class Adopter:
    """Keeps routes and groups true to the newest snapshot.

    `platforms` are the namespaces whose receivers see everything, `cluster` is this one's name.
    """

    def __init__(
        self,
        memory: Memory,
        absorber: Absorber,
        flusher: Flusher,
        platforms: frozenset[str],
        cluster: str,
    ) -> None:
        self._memory = memory
        self._absorber = absorber
        self._flusher = flusher
        self._platforms = platforms
        self._cluster = cluster
        self._snapshot = Snapshot()
        self._entries: dict[str, tuple[Entry, ...]] = {}

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that is in force."""
        return self._snapshot

    def find(self, receiver: str, name: str) -> Entry | None:
        """Return a receiver's entry by name."""
        entries = self._entries.get(receiver, ())
        return next((entry for entry in entries if entry.name == name), None)

    def compile(self, snapshot: Snapshot) -> None:
        """Route by `snapshot` from now on, and nothing else; at a reload, groups come next."""
        self._entries = self._compiled(snapshot)
        self._snapshot = snapshot
        self._absorber.routes = self._routes(self._entries)

    async def adopt(self, snapshot: Snapshot, scan: Scan, now: float, step: Step) -> None:
        """Put `snapshot` in force; `scan` yields all stored signals and is read only if needed."""
        before, old = self._entries, self._snapshot
        self.compile(snapshot)
        changed = [
            receiver
            for receiver in before.keys() | self._entries.keys()
            if before.get(receiver) != self._entries.get(receiver)
        ]
        rerouted: dict[str, tuple[Entry, ...]] = {}
        for receiver in changed:
            was, new = before.get(receiver, ()), self._entries.get(receiver, ())
            if [entry.routing_key() for entry in was] != [entry.routing_key() for entry in new]:
                rerouted[receiver] = new
            self._renew(receiver, now, step)
        if any(rerouted.values()):
            await self._reroute(rerouted, scan, now, step)
        self._remember(old, snapshot, step)

    def _compiled(self, snapshot: Snapshot) -> dict[str, tuple[Entry, ...]]:
        """Compile receivers, those that are the same object not anew."""
        return {
            key: self._entries[key]
            if self._snapshot.receivers.get(key) is receiver and key in self._entries
            else entries_of(receiver)
            for key, receiver in snapshot.receivers.items()
        }

    def _routes(self, entries: Mapping[str, tuple[Entry, ...]]) -> Routes:
        every = (entry for each in entries.values() for entry in each)
        return Routes(every, self._platforms, self._cluster)

    def _renew(self, receiver: str, now: float, step: Step) -> None:
        """Give a receiver's groups their new entries, and look at them at once; end orphans."""
        for group in self._memory.groups_of(receiver):
            entry = self.find(receiver, group.row.entry)
            if entry is None or entry.group_by != group.entry.group_by:
                self._flusher.end(group, step)
                continue
            resumes = entry.enabled and not group.entry.enabled
            group.entry = entry
            for channel in [name for name in group.outbox if name not in entry.channels]:
                del group.outbox[channel]
                step.drop_outbox.append((group.id, channel))
            group.row.next_flush = min(group.row.next_flush, now)
            if resumes:
                self._flusher.resume(group, now, step)
            self._memory.schedule(group)

    async def _reroute(
        self, receivers: Mapping[str, tuple[Entry, ...]], scan: Scan, now: float, step: Step
    ) -> None:
        """Work out the members of the receivers' groups anew. O(signals), in chunks."""
        routes = self._routes(receivers)
        kept: set[tuple[SignalId, GroupId]] = set()
        async for chunk in scan:
            for key, document in chunk:
                held = self._memory.signals.get(key)
                if held is not None:
                    found = routes.route(signal := decode_signal(document))
                    if held.status is Status.FIRING:
                        self._absorber.place(held, signal, found, step)
                    kept.update((key, group.id) for group in _among(held, found))
        for receiver in receivers:
            for group in self._memory.groups_of(receiver):
                for key in [each for each in group.members if (each, group.id) not in kept]:
                    self._memory.leave(key, group)
                if not group.members:
                    self._flusher.end(group, step)
                elif group.outbox and not group.row.edit_due:
                    group.row.edit_due = now
                    self._memory.schedule(group)

    def _remember(self, old: Snapshot, new: Snapshot, step: Step) -> None:
        """Store what changed, so that a start without the API server can serve."""
        if new.stale:
            return
        for kind, was, now in (
            ("SlackConfig", old.configs, new.configs),
            ("SlackReceiver", old.receivers, new.receivers),
        ):
            for key in was.keys() - now.keys():
                step.marks[f"{kind}/{key}"] = None
            for key, resource in now.items():
                if was.get(key) is not resource:
                    step.marks[f"{kind}/{key}"] = json.dumps(resource.body).encode()
        if old.namespaces is not new.namespaces:
            step.marks["namespaces"] = json.dumps(
                {name: dict(labels) for name, labels in new.namespaces.items()}
            ).encode()


def _among(held: Held, routes: Sequence[Route]) -> list[LiveGroup]:
    """Return the groups of a signal that belong to entries which still take it."""
    names = {(route.entry.receiver, route.entry.name) for route in routes}
    return [group for group in held.groups if (group.row.receiver, group.row.entry) in names]


def stored_snapshot(marks: Mapping[str, bytes]) -> Snapshot | None:
    """Return the snapshot that `Adopter` remembered, marked stale; None where there is none."""
    if "namespaces" not in marks:
        return None
    configs, receivers = {}, {}
    for mark, document in marks.items():
        kind, _, key = mark.partition("/")
        try:
            if kind == "SlackConfig":
                configs[key] = parse_config(json.loads(document))
            elif kind == "SlackReceiver":
                receivers[key] = parse_receiver(json.loads(document))
        except ResourceInvalid:
            continue  # stored by a version that allowed it; the API server will tell
    return Snapshot(configs, receivers, json.loads(marks["namespaces"]), stale=True)

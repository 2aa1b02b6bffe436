"""Which entries of which receivers take a signal, and for which of their channels.

In: a signal. Out: routes. Called by the dispatcher. Entries are indexed by the namespaces that
they may see and by one label value that they require, so that a signal is only held against those
which might take it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from tocsin.model.entry import Entry
from tocsin.model.signal import Signal, Source

_PLATFORM: Final = ""
"""The scope under which entries that see every namespace are filed."""

_Candidates = list[tuple[int, Entry]]


@dataclass(frozen=True, slots=True)
class Route:
    """One entry that takes a signal.

    `withheld` are those of its channels where an earlier entry of the same receiver has taken it;
    mostly empty, never all of them.
    """

    entry: Entry
    withheld: frozenset[str] = frozenset()


class _Index:
    """Entries of one scope and source, by a label value that they require."""

    __slots__ = ("_anywhere", "_by_label", "_names")

    def __init__(self) -> None:
        self._anywhere: _Candidates = []
        self._by_label: dict[tuple[str, str], _Candidates] = {}
        self._names: tuple[str, ...] = ()

    def add(self, position: int, entry: Entry) -> None:
        required = [m for m in entry.matchers if m.required_value is not None]
        if not required:
            self._anywhere.append((position, entry))
            return
        # alertname tells signals apart best, severity worst; the others lie between.
        best = min(required, key=lambda m: (m.name != "alertname", m.name == "severity"))
        self._by_label.setdefault((best.name, best.value), []).append((position, entry))
        if best.name not in self._names:
            self._names += (best.name,)

    def candidates(self, labels: Mapping[str, str]) -> _Candidates:
        found = list(self._anywhere)
        for name in self._names:
            found += self._by_label.get((name, labels.get(name, "")), ())
        return found


class Routes:
    """All entries of a snapshot, ready to be asked; immutable once made.

    `entries` in any order of receivers, those of one receiver in their order of precedence.
    `platforms` are the namespaces whose receivers see everything; `cluster` is this cluster's
    name, empty where it has none: a tenant sees no signal of another cluster.
    """

    def __init__(
        self, entries: Iterable[Entry], platforms: frozenset[str], cluster: str = ""
    ) -> None:
        self._cluster = cluster
        self._platforms = platforms
        self._scopes: dict[tuple[str, Source], _Index] = {}
        for position, entry in enumerate(entries):
            scope = _PLATFORM if entry.namespace in platforms else entry.namespace
            self._scopes.setdefault((scope, entry.source), _Index()).add(position, entry)

    def route(self, signal: Signal) -> tuple[Route, ...]:
        """Return the routes of a signal, in the order of entries; empty where nobody takes it.

        Entries of disabled receivers are included: why they send nothing is decided at the flush.
        """
        candidates: _Candidates = []
        index = self._scopes.get((_PLATFORM, signal.source))
        if index is not None:
            candidates += index.candidates(signal.labels)
        if signal.namespace not in self._platforms and self._is_local(signal):
            index = self._scopes.get((signal.namespace, signal.source))
            if index is not None and signal.namespace:
                candidates += index.candidates(signal.labels)
        candidates.sort(key=_position)
        return _claimed(
            entry
            for _, entry in candidates
            if all(matcher.matches(signal.labels) for matcher in entry.matchers)
        )

    def _is_local(self, signal: Signal) -> bool:
        return not self._cluster or signal.labels.get("cluster", self._cluster) == self._cluster


def _position(candidate: tuple[int, Entry]) -> int:
    return candidate[0]


def _claimed(entries: Iterable[Entry]) -> tuple[Route, ...]:
    """Give each channel of a receiver to the first entry that takes the signal for it."""
    routes: list[Route] = []
    claims: dict[str, set[str]] = {}
    for entry in entries:
        taken = claims.get(entry.receiver)
        if taken is None:
            claims[entry.receiver] = set(entry.channels)
            routes.append(Route(entry))
            continue
        withheld = taken.intersection(entry.channels)
        if len(withheld) < len(entry.channels):
            routes.append(Route(entry, frozenset(withheld)))
            taken.update(entry.channels)
    return tuple(routes)

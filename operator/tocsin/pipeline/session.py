"""A session: memory rebuilt from the store, and everything that works on it, until the next reload.

Made by the dispatcher at its start and after every failed commit, so that memory is never ahead of
the disk.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from tocsin.model.records import Image, Step
from tocsin.model.severity import severity_rank
from tocsin.model.signal import Status, decode_signal
from tocsin.model.snapshot import Snapshot
from tocsin.model.tally import Tally
from tocsin.pipeline.absorbing import Absorber
from tocsin.pipeline.adopting import Adopter
from tocsin.pipeline.delivery import Delivery
from tocsin.pipeline.flushing import Flusher
from tocsin.pipeline.memory import Held, LiveGroup, Memory
from tocsin.pipeline.sending import Outside, Sender
from tocsin.pipeline.texts import Texts

_tally: msgspec.msgpack.Decoder[Tally] = msgspec.msgpack.Decoder(Tally)


@dataclass(frozen=True, slots=True)
class Session:
    """One life of the pipeline; see the classes of its parts."""

    memory: Memory
    texts: Texts
    absorber: Absorber
    flusher: Flusher
    adopter: Adopter
    sender: Sender
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Scope:
    """Who sees what: the platform's namespaces, and this cluster's name."""

    platforms: frozenset[str]
    cluster: str


async def open_session(
    outside: Outside, scope: Scope, snapshot: Snapshot, fail: Callable[[BaseException], None]
) -> Session:
    """Rebuild memory from the store, routed by `snapshot`; `fail` ends the session."""
    image = await outside.store.image()
    memory, texts = Memory(), Texts()
    absorber = Absorber(memory, texts, outside.telemetry)
    flusher = Flusher(memory, texts, outside.destinations.targets, outside.telemetry)
    adopter = Adopter(memory, absorber, flusher, scope.platforms, scope.cluster)
    adopter.compile(snapshot)
    outside.destinations.adopt(snapshot)
    step = Step()
    _load_groups(image, memory, adopter, step)
    await _load_signals(outside, memory, absorber, step)
    for group in [group for group in memory.groups.values() if not group.members]:
        flusher.end(group, step)
    if not step.is_empty():
        await outside.store.commit(step)
    sender = Sender(memory, texts, outside, read_tallies(image))
    delivery = Delivery(memory, texts, sender, outside, fail)
    gc.collect()
    gc.freeze()  # what was loaded lives long: the collector need not walk it again and again
    return Session(memory, texts, absorber, flusher, adopter, sender, delivery)


def read_tallies(image: Image) -> dict[tuple[str, str], Tally]:
    """Unpack the stored tallies, by receiver and channel."""
    return {place: _tally.decode(document) for place, document in image.tallies.items()}


def _load_groups(image: Image, memory: Memory, adopter: Adopter, step: Step) -> None:
    """Take stored groups in; those of receivers or entries that are gone are forgotten."""
    gone: set[bytes] = set()
    for row in image.groups:
        entry = adopter.find(row.receiver, row.entry)
        if entry is None:
            gone.add(row.id)
            step.drop_groups.append(row.id)
        else:
            memory.add_group(LiveGroup(row, entry))
    for item in image.outbox:
        group = memory.groups.get(item.group)
        if group is not None and item.channel in group.entry.channels:
            group.outbox[item.channel] = item
        else:
            step.drop_outbox.append((item.group, item.channel))


async def _load_signals(outside: Outside, memory: Memory, absorber: Absorber, step: Step) -> None:
    """Take stored signals in, and derive their memberships; what is over and untold by no group
    is forgotten.
    """
    async for chunk in outside.store.scan_signals():
        for key, document in chunk:
            signal = decode_signal(document)
            held = Held(key, signal, severity_rank(signal.labels))
            memory.signals[key] = held
            memory.watch_lease(held)
            firing = signal.status is Status.FIRING
            absorber.place(held, signal, absorber.routes.route(signal), step, opens=firing)
            if not held.groups and not firing:
                del memory.signals[key]
                step.drop_signals.append(key)

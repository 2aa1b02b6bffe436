"""Plays the flow from signals to messages in memory, with the clock in the test's hand.

Everything between the inbox and Slack is the real code; only the store is a Step that is thrown
away, and Slack an outcome that the test chooses.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import msgspec

from tests.fakes import CountingTelemetry
from tests.unit.factories import receiver
from tocsin.model.entry import Entry
from tocsin.model.group import Attempt, Operation, OutboxEntry
from tocsin.model.message import Message, MessageRef
from tocsin.model.reason import Reason
from tocsin.model.records import Step
from tocsin.model.resources import SlackReceiver
from tocsin.model.signal import Signal, SignalId, Source, Status, signal_id
from tocsin.model.snapshot import Snapshot
from tocsin.model.tally import Tally
from tocsin.pipeline import outcomes
from tocsin.pipeline.absorbing import Absorber
from tocsin.pipeline.adopting import Adopter
from tocsin.pipeline.drafting import draft, next_operation, shown_members
from tocsin.pipeline.flushing import Flusher
from tocsin.pipeline.memory import LiveGroup, Memory
from tocsin.pipeline.texts import Texts


@dataclass
class Sent:
    """One message as the reader gets it."""

    channel: str
    operation: Operation
    reason: Reason
    message: Message

    def __repr__(self) -> str:
        return f"{self.operation}:{self.reason}@{self.channel}"


@dataclass
class Story:
    """One receiver (or several), and what comes of the signals it hears."""

    receivers: Sequence[SlackReceiver] = field(default_factory=lambda: [receiver()])
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.memory, self.texts, self.telemetry = Memory(), Texts(), CountingTelemetry()
        self.absorber = Absorber(self.memory, self.texts, self.telemetry)
        self.flusher = Flusher(self.memory, self.texts, _channels, self.telemetry)
        self.adopter = Adopter(
            self.memory, self.absorber, self.flusher, frozenset({"tocsin-system"}), ""
        )
        self.step = Step()
        self.tally = Tally()
        self.adopter.compile(self._snapshot(self.receivers))

    async def adopt(self, *receivers: SlackReceiver) -> None:
        """Change the resources."""
        await self.adopter.adopt(self._snapshot(receivers), self._scan(), self.now, self.step)

    def hear(
        self, name: str = "a", *, status: Status = Status.FIRING, **changes: object
    ) -> SignalId:
        """Take in an alert `name`, accepted now; `changes` are fields of the signal."""
        labels = {"alertname": "Down", "namespace": "payments", "pod": name}
        given = {"starts_at": self.now - 1, "ends_at": self.now + 240, "updated_at": self.now}
        if status is Status.RESOLVED:
            given["ends_at"] = self.now
        signal = Signal(
            Source.ALERTS, labels, {"summary": name}, status, 0, 0, 0, namespace="payments"
        )
        signal = msgspec.structs.replace(signal, **{**given, **changes})
        key = signal_id(Source.ALERTS, signal.labels, signal.idempotency_key)
        self.absorber.absorb(key, signal, self.step)
        return key

    def end(self, name: str = "a", **changes: object) -> SignalId:
        """Take in that an alert ended."""
        return self.hear(name, status=Status.RESOLVED, **changes)

    def at(self, now: float) -> list[Sent]:
        """Move the clock; return what is sent at that moment, every post succeeding."""
        return [self.succeed(group, entry) for group, entry in self.due(now)]

    def due(self, now: float) -> list[tuple[LiveGroup, OutboxEntry]]:
        """Move the clock; return what wants to be sent at that moment."""
        self.now = now
        wanting: list[tuple[LiveGroup, OutboxEntry]] = []
        for group in list(self.memory.due_groups(now, 100)):
            for entry in self.flusher.flush(group, now, self.step):
                wanting += [(group, entry)] if next_operation(group, entry) is not None else []
        return wanting

    def begin(self, group: LiveGroup, entry: OutboxEntry) -> Sent:
        """Start what an outbox entry wants."""
        operation = next_operation(group, entry)
        assert operation is not None
        documents = self.texts.get(shown_members(group, entry.channel))
        made = draft(self.memory, group, entry, operation, documents, self.now)
        assert made is not None
        reason = entry.notify or Reason.STATE_CHANGED
        version = group.row.version
        outcomes.begin(
            entry,
            Attempt("id", operation, self.now, version, reason, made.told, made.severity),
        )
        return Sent(entry.channel, operation, reason, made.message)

    def succeed(self, group: LiveGroup, entry: OutboxEntry) -> Sent:
        """Send what an outbox entry wants, successfully."""
        sent = self.begin(group, entry)
        ref = None if sent.operation is Operation.EDIT else MessageRef("C1", f"{self.now}")
        outcomes.succeed(entry, self.tally, ref, self.now)
        return sent

    def _snapshot(self, receivers: Sequence[SlackReceiver]) -> Snapshot:
        return Snapshot({}, {each.metadata.key: each for each in receivers})

    async def _scan(self) -> AsyncIterator[Sequence[tuple[SignalId, bytes]]]:
        yield list(self.texts.get(list(self.memory.signals)).items())


def _channels(entry: Entry) -> Sequence[str]:
    return entry.channels


def summary(sent: Sequence[Sent]) -> list[tuple[Operation, Reason]]:
    """What was done and why, without texts."""
    return [(each.operation, each.reason) for each in sent]

"""Sending: one attempt, from its text to its outcome.

Called by delivery, which decides when. Commits each attempt before its connection is opened and
each outcome after, and says in a verdict what is to happen next. Owns the channels' tallies.
"""

import random
import time
import uuid
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from tocsin.errors import (
    SlackAmbiguous,
    SlackCredentialRejected,
    SlackDestinationRejected,
    SlackError,
    SlackMessageGone,
    SlackPayloadRejected,
    SlackTransient,
)
from tocsin.model.group import Attempt, Operation, OutboxEntry
from tocsin.model.message import Message, MessageRef
from tocsin.model.reason import Reason
from tocsin.model.records import Step
from tocsin.model.signal import SignalId
from tocsin.model.tally import Tally
from tocsin.pipeline import outcomes
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.cures import cure
from tocsin.pipeline.destinations import Destination, Destinations
from tocsin.pipeline.drafting import draft
from tocsin.pipeline.flushing import present
from tocsin.pipeline.memory import LiveGroup, Memory
from tocsin.pipeline.ports import Pacer, Slack, StatusSink, Store, Telemetry
from tocsin.pipeline.settling import Settled, settle
from tocsin.pipeline.texts import Texts
from tocsin.pipeline.workspaces import Workspaces
from tocsin.stages.deduping import TOLD_RESOLVED

_BLOCKED_RETRY_SECONDS: Final = 30.0
"""How often a channel that cannot be posted to is tried; an invitation counts within a minute."""
_BACKOFF_SECONDS: Final = (1.0, 60.0)

_log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)
_encoder: Final = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Outside:
    """What delivery works with, beyond memory.

    `suspected` is called with the key of a SlackConfig whose credential Slack refused.
    """

    store: Store
    slack: Slack
    pacer: Pacer
    destinations: Destinations
    workspaces: Workspaces
    directory: ChannelDirectory
    statuses: StatusSink
    telemetry: Telemetry
    suspected: Callable[[str], None]
    horizon_seconds: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """An attempt that is in the step about to be committed, and starts after that."""

    group: LiveGroup
    entry: OutboxEntry
    attempt: Attempt
    message: Message
    destination: Destination


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to happen with an outbox entry after an attempt.

    `pause_seconds` holds its lane back; `first` puts it at the lane's head; `settle` means that
    the outcome is unknown.
    """

    first: bool = False
    pause_seconds: float = 0.0
    settle: bool = False


class Sender:
    """Makes attempts; `tallies` are by receiver and channel, as named in its spec."""

    def __init__(
        self,
        memory: Memory,
        texts: Texts,
        outside: Outside,
        tallies: dict[tuple[str, str], Tally],
    ) -> None:
        self._memory = memory
        self._texts = texts
        self._outside = outside
        self.tallies = tallies

    def tally(self, receiver: str, channel: str) -> Tally:
        """Return the counters of a receiver's channel, as named in its spec."""
        return self.tallies.setdefault((receiver, channel), Tally())

    def forget_tallies(self, receivers: Container[str], step: Step) -> None:
        """Forget the counters of all but these receivers: the others were deleted."""
        for place in [place for place in self.tallies if place[0] not in receivers]:
            del self.tallies[place]
            step.tallies[place] = None

    async def documents(self, members: Iterable[SignalId]) -> Mapping[SignalId, bytes]:
        """Return the texts of `members`, read from the store where they are not at hand."""
        keys = list(members)
        documents = self._texts.get(keys)
        missing = [key for key in keys if key not in documents]
        if missing:
            documents.update(await self._outside.store.signals(missing))
        return {key: text for key, text in documents.items() if key in self._memory.signals}

    def prepare(
        self,
        group: LiveGroup,
        entry: OutboxEntry,
        operation: Operation,
        material: tuple[Destination, Mapping[SignalId, bytes]],
        now: float,
    ) -> Prepared | None:
        """Freeze the text with a delivery ID; None where the operation has nothing left to tell."""
        destination, documents = material
        made = draft(self._memory, group, entry, operation, documents, now)
        if made is None:
            outcomes.nothing_left(entry, operation)
            return None
        attempt = Attempt(
            delivery_id=uuid.uuid4().hex,
            operation=operation,
            started_at=now,
            version=group.row.version,
            reason=entry.notify or Reason.STATE_CHANGED,
            told=made.told,
            severity=made.severity,
        )
        outcomes.begin(entry, attempt)
        return Prepared(group, entry, attempt, made.message, destination)

    async def send(self, prepared: Prepared) -> Verdict:
        """Make a committed attempt and commit its outcome."""
        group, entry, started_at = prepared.group, prepared.entry, prepared.attempt.started_at
        outcome = "ok"
        try:
            ref = await self._call(prepared)
        except SlackError as error:
            outcome = error.code
            return await self._refused(prepared, error)
        else:
            return await self._succeeded(group, entry, ref)
        finally:
            self._outside.telemetry.delivered(outcome, time.time() - started_at)

    async def settle(
        self, group: LiveGroup, entry: OutboxEntry, attempt: Attempt, destination: Destination
    ) -> Verdict:
        """Find out what came of an attempt whose outcome is unknown; edits are simply repeated."""
        found: MessageRef | Settled = Settled.ABSENT
        if attempt.operation is not Operation.EDIT:
            found = await settle(self._outside.slack, destination, entry, attempt)
        if entry.attempt is not attempt:
            return Verdict()
        if isinstance(found, MessageRef):
            return await self._succeeded(group, entry, found)
        outcomes.retry(entry, SlackAmbiguous("unknown_outcome", "the outcome is unknown"))
        await self.commit(group, entry)
        return Verdict(first=True)

    async def give_up(self, group: LiveGroup, entry: OutboxEntry, why: tuple[Reason, str]) -> None:
        """End a delivery that will never be made."""
        receiver, channel = group.row.receiver, entry.channel
        _log.warning("a delivery is given up", receiver=receiver, channel=channel, why=why[1])
        tally = self.tally(receiver, channel)
        seen = present(self._memory, group, entry.channel)
        over = dict.fromkeys(seen.resolved, TOLD_RESOLVED)
        told = ({**seen.firing, **over}, seen.severity)
        outcomes.give_up(entry, tally, why, told, time.time())
        await self.commit(group, entry)
        self._outside.statuses.changed(group.row.receiver, transition=True)

    async def commit(self, group: LiveGroup, entry: OutboxEntry) -> None:
        """Make an entry and its channel's tally durable; the entry only while it is wanted."""
        step = Step()
        lives = self._memory.groups.get(group.id) is group
        if lives and group.outbox.get(entry.channel) is entry:
            step.outbox[group.id, entry.channel] = _encoder.encode(entry)
        place = (group.row.receiver, entry.channel)
        if place in self.tallies and self._outside.destinations.config_of(place[0]):
            step.tallies[place] = _encoder.encode(self.tallies[place])
        await self._outside.store.commit(step)

    async def _call(self, prepared: Prepared) -> MessageRef | None:
        slack, to, attempt = self._outside.slack, prepared.destination, prepared.attempt
        ref = prepared.entry.ref
        if attempt.operation is Operation.EDIT and ref is not None:
            await slack.edit(to.connection, ref, prepared.message, attempt.delivery_id)
            return None
        thread = ref.ts if ref is not None and attempt.operation is Operation.REPLY else ""
        channel = ref.channel_id if ref is not None and thread else to.channel
        return await slack.post(
            to.connection, channel, prepared.message, attempt.delivery_id, thread
        )

    async def _succeeded(
        self, group: LiveGroup, entry: OutboxEntry, ref: MessageRef | None
    ) -> Verdict:
        receiver = group.row.receiver
        if ref is not None:
            found = self._outside.destinations.find(receiver, entry.channel)
            if isinstance(found, Destination):
                self._outside.directory.learned(found.team, entry.channel, ref.channel_id)
        tally = self.tally(receiver, entry.channel)
        is_news = outcomes.succeed(entry, tally, ref, time.time())
        await self.commit(group, entry)
        self._outside.statuses.changed(receiver, transition=is_news)
        return Verdict()

    async def _refused(self, prepared: Prepared, error: SlackError) -> Verdict:
        """Act on the class of an error; see `tocsin.errors`."""
        group, entry = prepared.group, prepared.entry
        verdict = Verdict()
        match error:
            case SlackPayloadRejected():
                await self.give_up(group, entry, (Reason.PAYLOAD_REFUSED, str(error)))
                return verdict
            case SlackAmbiguous():
                entry.last_error = str(error)
                return Verdict(settle=True)
            case SlackMessageGone():
                outcomes.replace(entry)
            case SlackCredentialRejected():
                outcomes.retry(entry, error)
                config = self._outside.destinations.config_of(group.row.receiver)
                used = prepared.destination.connection
                _log.warning("Slack refuses a credential", config=config, error=str(error))
                self._outside.workspaces.suspect(config, error, used)
                self._outside.suspected(config)
            case SlackDestinationRejected():
                outcomes.retry(entry, error)
                self._block(prepared, error)
                verdict = Verdict(first=True, pause_seconds=_BLOCKED_RETRY_SECONDS)
            case _:
                outcomes.retry(entry, error)
                pause_seconds = self._pause(prepared, error)
                verdict = Verdict(first=True, pause_seconds=pause_seconds)
        await self.commit(group, entry)
        return verdict

    def _pause(self, prepared: Prepared, error: SlackError) -> float:
        """Return how long the lane waits after a passing failure; a 429 pauses the pacer."""
        if isinstance(error, SlackTransient) and error.retry_after_seconds is not None:
            to, operation = prepared.destination, prepared.attempt.operation
            self._outside.pacer.paused(to.team, to.channel, operation, error.retry_after_seconds)
            self._outside.telemetry.rate_limited(operation.value)
            return 0.0
        first, longest = _BACKOFF_SECONDS
        seconds = min(longest, first * 2.0 ** min(prepared.entry.failures - 1, 10))
        return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - jitter

    def _block(self, prepared: Prepared, error: SlackError) -> None:
        receiver, channel = prepared.group.row.receiver, prepared.entry.channel
        tally = self.tally(receiver, channel)
        is_news = tally.blocked != error.code
        if is_news:
            _log.warning(
                "a channel takes no messages", receiver=receiver, channel=channel, why=str(error)
            )
        what_to_do = cure(error.code, channel, prepared.destination.identity)
        tally.blocked, tally.blocked_message = error.code, what_to_do or str(error)
        tally.last_error, tally.last_error_at = str(error), time.time()
        self._outside.statuses.changed(receiver, transition=is_news)

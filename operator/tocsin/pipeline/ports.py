"""The Protocols through which the pipeline reaches the outside; adapters implement them.

Methods raise only errors of `tocsin.errors`. All times are seconds since the epoch.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol

from tocsin.model.group import Operation
from tocsin.model.message import Message, MessageRef
from tocsin.model.reason import Reason
from tocsin.model.records import Backlog, Image, InboxRow, Step
from tocsin.model.signal import SignalId
from tocsin.model.snapshot import Snapshot
from tocsin.model.tally import Tally
from tocsin.model.workspace import ChannelInfo, ChannelListing, Connection, Identity


class Store(Protocol):
    """Durable state. What a returned call wrote is on disk."""

    async def append(self, kind: str, sender: str, payload: bytes, accepted_at: float) -> None:
        """Add an inbox row and return once it is committed.

        Raises StoreUnavailable when it was not, or when the disk or backlog limit says no.
        """
        ...

    async def commit(self, step: Step) -> None:
        """Apply one step. Steps become durable in the order in which `commit` was called.

        Raises StoreUnavailable when it failed or its outcome is unknown; other steps that shared
        the transaction are unaffected by one whose own statements fail.
        """
        ...

    async def pending(self, limit: int) -> Sequence[InboxRow]:
        """Return up to `limit` inbox rows that are present, oldest first.

        Everything committed before the call is seen; rows that earlier steps deleted are not.
        """
        ...

    async def wait_for_rows(self) -> None:
        """Return when the inbox may hold rows; at once if it does."""
        ...

    def backlog(self) -> Backlog:
        """Return what waits in the inbox (kept in memory; cheap)."""
        ...

    async def image(self) -> Image:
        """Read everything but signals, for a reload."""
        ...

    def scan_signals(self) -> AsyncIterator[Sequence[tuple[SignalId, bytes]]]:
        """Yield all stored signals in chunks, in no order, over short read transactions."""
        ...

    async def signals(self, ids: Iterable[SignalId]) -> Mapping[SignalId, bytes]:
        """Return the documents of those of `ids` that exist."""
        ...

    async def seen(self, source: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Return what a source remembers under those of `keys` that exist."""
        ...

    async def used_keys(self, keys: Sequence[str]) -> frozenset[str]:
        """Return those idempotency keys that were used before."""
        ...

    async def prune(self, now: float) -> int:
        """Delete old decisions, keys and rejected rows in small bites; return how many."""
        ...

    def can_store(self) -> str:
        """Return why nothing can be accepted now, empty when it can. For /readyz and 503s."""
        ...

    async def close(self) -> None:
        """Commit what was submitted, then release everything."""
        ...


class Slack(Protocol):
    """Slack's Web API, one call each; no retries, no pacing."""

    async def verify(self, connection: Connection) -> Identity:
        """auth.test."""
        ...

    async def post(
        self,
        connection: Connection,
        channel: str,
        message: Message,
        delivery_id: str,
        thread_ts: str = "",
    ) -> MessageRef:
        """chat.postMessage; with `thread_ts` a reply that is also shown in the channel."""
        ...

    async def edit(
        self, connection: Connection, ref: MessageRef, message: Message, delivery_id: str
    ) -> None:
        """chat.update."""
        ...

    async def find(
        self,
        connection: Connection,
        channel: str,
        delivery_id: str,
        since: float,
        thread_ts: str = "",
    ) -> MessageRef | None:
        """Look a delivery up in the channel, or in a thread; None only when certainly absent."""
        ...

    async def channels(self, connection: Connection, private: bool) -> ChannelListing:
        """List all public, or all private, conversations that the token can see."""
        ...

    async def channel(self, connection: Connection, channel_id: str) -> ChannelInfo:
        """conversations.info."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class Kube(Protocol):
    """The API server, one call each; no retries."""

    async def list_configs(self) -> Sequence[Mapping[str, Any]]:
        """Return all SlackConfigs as the server holds them."""
        ...

    async def list_receivers(self) -> Sequence[Mapping[str, Any]]:
        """Return all SlackReceivers as the server holds them."""
        ...

    async def namespace_labels(self) -> Mapping[str, Mapping[str, str]]:
        """Return all namespaces with their labels."""
        ...

    async def secret_value(self, namespace: str, name: str, key: str) -> bytes | None:
        """Return one value of one Secret, None where the key is absent.

        Raises KubeNotFound where the Secret is.
        """
        ...

    async def config_map_value(self, namespace: str, name: str, key: str) -> bytes | None:
        """Return one value of one ConfigMap, None where the key is absent."""
        ...

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None:
        """Merge `status` into the object's status; `kind` is SlackConfig or SlackReceiver."""
        ...

    async def publish(
        self, regarding: Mapping[str, Any], reason: str, note: str, warn: bool
    ) -> None:
        """Create an events.k8s.io event about a resource (its apiVersion, kind and metadata)."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class Pacer(Protocol):
    """When Slack's limits allow the next call."""

    def next_slot(self, team: str, channel: str, operation: Operation) -> float:
        """Return the monotonic time from which the call is within limits (past: now)."""
        ...

    def take(self, team: str, channel: str, operation: Operation) -> None:
        """Count a call that starts now."""
        ...

    def paused(self, team: str, channel: str, operation: Operation, seconds: float) -> None:
        """Slack said 429: nothing of that kind for that long."""
        ...


class SnapshotSink(Protocol):
    """Who takes a new picture of the resources: the dispatcher."""

    async def adopt(self, snapshot: Snapshot) -> None:
        """Route by this snapshot from now on; returns once it is stored and in force."""
        ...


class DeliveryFacts(Protocol):
    """What delivery knows of each channel; read for statuses."""

    def tally(self, receiver: str, channel: str) -> Tally:
        """Return the counters of a receiver's channel, as named in its spec."""
        ...

    def waiting(self, receiver: str, channel: str) -> int:
        """Return how many messages wait or are in flight."""
        ...


class StatusSink(Protocol):
    """Who is told that a receiver's deliveries changed."""

    def changed(self, key: str, *, transition: bool) -> None:
        """Write the receiver's status soon; at once where a person should see it."""
        ...


class Telemetry(Protocol):
    """Who counts what the pipeline does; cheap, never raises, called on the event loop.

    Texts become label values of metrics: from a small fixed set, never from outside.
    """

    def accepted(self, payload_bytes: int, seconds: float) -> None:
        """A payload is on disk; `seconds` it took to get there."""
        ...

    def processed(self, signals: int, seconds: float) -> None:
        """A batch of inbox rows became that many signals and was decided in that time."""
        ...

    def decided(self, reason: Reason) -> None:
        """A signal went, or did not go, to a receiver for this reason."""
        ...

    def delivered(self, outcome: str, seconds: float) -> None:
        """An attempt ended: `ok` or the code of a SlackError; `seconds` since it began."""
        ...

    def rate_limited(self, method: str) -> None:
        """Slack answered 429 to this method of its Web API."""
        ...

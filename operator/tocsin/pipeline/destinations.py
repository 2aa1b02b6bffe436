"""Where a receiver's messages go now: its workspace's connection, if grants and credential allow.

Asked by delivery each time a post starts, so that a withdrawn grant or a revoked token stops
messages at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tocsin.model.entry import Entry
from tocsin.model.reason import Reason
from tocsin.model.snapshot import Snapshot, key_of
from tocsin.model.workspace import Connection, Identity
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.workspaces import Workspaces
from tocsin.stages.granting import may_post, may_use


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel that can be posted to; `channel` is its ID where known, else its bare name."""

    connection: Connection
    identity: Identity
    channel: str

    @property
    def team(self) -> str:
        """The workspace whose limits count."""
        return self.identity.team_id


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing can be posted now; equal messages have one cause, and end together."""

    reason: Reason
    message: str


class Destinations:
    """Looks destinations up in the snapshot that is in force."""

    def __init__(self, workspaces: Workspaces, directory: ChannelDirectory) -> None:
        self._workspaces = workspaces
        self._directory = directory
        self._snapshot = Snapshot()

    def adopt(self, snapshot: Snapshot) -> None:
        """Look things up in this snapshot from now on."""
        self._snapshot = snapshot

    def find(self, receiver_key: str, channel: str) -> Destination | Refusal:
        """Return where `channel` of the receiver (`namespace/name`) is, or why it cannot be had."""
        receiver = self._snapshot.receivers.get(receiver_key)
        if receiver is None:
            return Refusal(Reason.RECEIVER_REMOVED, f"SlackReceiver {receiver_key} is gone")
        reference = receiver.spec.config_ref
        namespace = receiver.metadata.namespace
        key = key_of(reference.namespace or namespace, reference.name)
        config = self._snapshot.configs.get(key)
        if config is None:
            return Refusal(Reason.CONFIG_NOT_READY, f"SlackConfig {key} does not exist")
        if not may_use(config, namespace, self._snapshot.namespaces.get(namespace, {})):
            text = f"SlackConfig {key} does not allow namespace {namespace}"
            return Refusal(Reason.NOT_ALLOWED, text)
        state = self._workspaces.state(key)
        if state is None or not state.ready or state.connection is None or state.identity is None:
            text = state.message if state is not None else "not verified yet"
            return Refusal(Reason.CONFIG_NOT_READY, f"SlackConfig {key}: {text}")
        team = state.identity.team_id
        if not may_post(config, channel):
            text = f"SlackConfig {key} does not allow channel {channel}"
            return Refusal(Reason.NOT_ALLOWED, text)
        target = self._directory.resolve(team, channel)
        return Destination(state.connection, state.identity, target)

    def config_of(self, receiver_key: str) -> str:
        """Return the key of the SlackConfig that a receiver refers to, empty where it is gone."""
        receiver = self._snapshot.receivers.get(receiver_key)
        if receiver is None:
            return ""
        reference = receiver.spec.config_ref
        return key_of(reference.namespace or receiver.metadata.namespace, reference.name)

    def targets(self, entry: Entry) -> Sequence[str]:
        """Return an entry's channels, each once, also where two names mean one channel."""
        if len(entry.channels) == 1:
            return entry.channels
        state = self._workspaces.state(self.config_of(entry.receiver))
        team = state.identity.team_id if state is not None and state.identity else ""
        first: dict[str, str] = {}
        for channel in entry.channels:
            first.setdefault(self._directory.resolve(team, channel), channel)
        return tuple(first.values())

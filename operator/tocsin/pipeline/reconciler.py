"""Reconciles resources: verifies workspaces, looks channels up, and says what it found.

In: changes from the resource mirror, suspicions, and the passing of time. Out: facts for the
statuses, verified workspaces for delivery, snapshots for the dispatcher. There is one path for all
of them, through two work queues: SlackConfigs wait for Slack and must not hold up SlackReceivers.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tocsin.errors import ResourceInvalid
from tocsin.model.facts import ChannelFacts, ChannelLook, ConfigFacts, ReceiverFacts, Verdict
from tocsin.model.object_key import Kind, ObjectKey
from tocsin.model.resources import SlackConfig, SlackReceiver
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.findings import Findings
from tocsin.pipeline.resource_cache import ResourceCache
from tocsin.pipeline.snapshot_feed import SnapshotFeed
from tocsin.pipeline.status_writer import StatusWriter
from tocsin.pipeline.workqueue import WorkQueue
from tocsin.pipeline.workspaces import Workspaces, WorkspaceState
from tocsin.stages.granting import may_post, may_use
from tocsin.stages.reporting import DISABLED

REFRESH_SECONDS: Final = 25.0
"""Between two looks at a SlackConfig's Secret: a rotated one is in use within 30 s."""
RECHECK_SECONDS: Final = 50.0
"""Between two looks at a channel that cannot be posted to: an invitation counts within 60 s."""
RESYNC_SECONDS: Final = 600.0
"""Between two looks at what is well."""
_NOT_ALLOWED: Final = "NotAllowed"
_PASSING: Final = ("LookingUp", "LookupFailed")
"""Reasons of the channel directory why it does not know yet."""


class Reconciler:
    """Listens to the resource mirror; `run` does the work that this makes."""

    def __init__(
        self,
        cache: ResourceCache,
        feed: SnapshotFeed,
        workspaces: Workspaces,
        directory: ChannelDirectory,
        findings: Findings,
        writer: StatusWriter,
    ) -> None:
        self._cache = cache
        self._feed = feed
        self._workspaces = workspaces
        self._directory = directory
        self._findings = findings
        self._writer = writer
        self._configs: WorkQueue[str] = WorkQueue(self._reconcile_config, workers=16)
        self._receivers: WorkQueue[str] = WorkQueue(self._reconcile_receiver, workers=16)
        self._config_of: dict[str, str] = {}

    async def run(self) -> None:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._configs.run())
            tasks.create_task(self._receivers.run())
            tasks.create_task(self._feed.run())

    def synced(self) -> None:
        """Everything was listed for the first time: the picture is whole."""
        self._feed.open()

    def changed(self, key: ObjectKey, body: Mapping[str, Any]) -> None:
        """An object is new or differs."""
        self._feed.touch()
        self._writer.seed(key, body["metadata"]["uid"], body.get("status") or {})
        if key.kind is Kind.CONFIG:
            self._configs.add(key.key)
            self._recheck_users(key.key)
        else:
            self._receivers.add(key.key)
            self._note_use(key.key)

    def forgotten(self, key: ObjectKey) -> None:
        """An object was deleted."""
        self._feed.touch()
        self._findings.forget(key)
        self._writer.forget(key)
        if key.kind is Kind.CONFIG:
            self._configs.forget(key.key)
            self._workspaces.forget(key.key)
            self._recheck_users(key.key)
        else:
            self._receivers.forget(key.key)
            self._note_use(key.key)

    def regranted(self) -> None:
        """Labels of namespaces changed: what SlackConfigs grant by them may have, too."""
        self._feed.touch()
        for key, config in self._cache.configs.items():
            if config.spec.allowed_namespaces.selector is not None:
                self._recheck_users(key)

    def suspected(self, config: str) -> None:
        """Slack refused a SlackConfig's credential: look at its Secret now."""
        self._configs.add(config)

    def _recheck_users(self, config: str) -> None:
        for receiver in self._cache.users_of(config):
            self._receivers.add(receiver)

    def _note_use(self, receiver: str) -> None:
        """Let SlackConfigs know that a receiver began, or ceased, to refer to them."""
        before = self._config_of.pop(receiver, "")
        known = self._cache.receivers.get(receiver)
        if known is not None:
            self._config_of[receiver] = known.config_key
        now = self._config_of.get(receiver, "")
        for config in {before, now} if before != now else ():
            self._configs.add(config)

    async def _reconcile_config(self, key: str) -> float | None:
        observed = self._cache.get(ObjectKey(Kind.CONFIG, key))
        if observed is None:
            return None
        if observed.flaw is not None:
            self._workspaces.forget(key)
            self._put_config(key, ConfigFacts(observed.generation, _invalid(observed.flaw)))
            return None
        state = await self._workspaces.refresh(self._cache.configs[key])
        if key not in self._cache.configs:
            self._workspaces.forget(key)
            return 0.0  # deleted, or spoilt, meanwhile
        verdict = Verdict(state.ready, state.reason, state.message, may_pass=state.retry)
        facts = ConfigFacts(
            generation=observed.generation,
            verdict=verdict,
            identity=state.identity,
            capabilities=state.capabilities,
            verified_at=state.verified_at,
        )
        self._put_config(key, facts)
        is_watched = self._cache.users_of(key) or not state.ready
        return REFRESH_SECONDS if is_watched else RESYNC_SECONDS

    def _put_config(self, key: str, facts: ConfigFacts) -> None:
        """Keep what was found; if it differs, receivers and the reader of the status hear of it."""
        before = self._findings.configs.get(key)
        self._findings.configs[key] = facts
        differs = before is None or replace(before, verified_at=facts.verified_at) != facts
        if differs:
            self._recheck_users(key)
        self._writer.report(ObjectKey(Kind.CONFIG, key), transition=differs and before is not None)

    async def _reconcile_receiver(self, key: str) -> float | None:
        observed = self._cache.get(ObjectKey(Kind.RECEIVER, key))
        if observed is None:
            return None
        if observed.flaw is not None:
            facts = ReceiverFacts(observed.generation, _invalid(observed.flaw))
        else:
            found = await self._look(self._cache.receivers[key])
            if found is None:
                return None  # its SlackConfig is being verified, and will have it looked at again
            facts = replace(found, generation=observed.generation)
        if self._cache.get(ObjectKey(Kind.RECEIVER, key)) is None:
            return None
        before = self._findings.receivers.get(key)
        self._findings.receivers[key] = facts
        self._writer.report(
            ObjectKey(Kind.RECEIVER, key), transition=before is not None and before != facts
        )
        is_open = any(
            channel.look.reachable == "False" or channel.look.reason in _PASSING
            for channel in facts.channels
        )
        return RECHECK_SECONDS if is_open else RESYNC_SECONDS

    async def _look(self, receiver: SlackReceiver) -> ReceiverFacts | None:
        """Find out whether a receiver may send, and to which channels; None: not known yet."""
        channels = receiver.spec.all_channels
        if not receiver.spec.enabled:
            verdict = Verdict(True, DISABLED, "nothing is sent: spec.enabled is false")
            return _unlooked(channels, verdict, enabled=False)
        config = self._cache.configs.get(receiver.config_key)
        if config is None:
            return _unlooked(channels, self._lacking(receiver.config_key))
        namespace = receiver.metadata.namespace
        if not may_use(config, namespace, self._cache.namespaces.get(namespace, {})):
            return _unlooked(channels, _not_granted(config, namespace))
        state = self._workspaces.state(receiver.config_key)
        if state is None:
            return None
        if not state.ready:
            message = f"SlackConfig {state.key}: {state.message}"
            verdict = Verdict(False, "ConfigNotReady", message, may_pass=state.retry)
            return _unlooked(channels, verdict)
        looks = [await self._look_at(config, state, channel) for channel in channels]
        verdict = Verdict(True, "Succeeded", f"sends with SlackConfig {state.key}")
        closed = [look.name for look in looks if look.reason == _NOT_ALLOWED]
        if closed:
            cure = "name others, or have its owner allow them in spec.allowedChannels"
            message = f"SlackConfig {state.key} does not allow {', '.join(closed)}: {cure}"
            verdict = Verdict(False, "ChannelNotAllowed", message)
        return ReceiverFacts(0, verdict, channels=tuple(map(ChannelFacts, looks)))

    async def _look_at(
        self, config: SlackConfig, state: WorkspaceState, channel: str
    ) -> ChannelLook:
        if not may_post(config, channel):
            message = f"SlackConfig {state.key} does not allow this channel"
            return ChannelLook(channel, "", "False", _NOT_ALLOWED, message)
        return await self._directory.check(state, channel)

    def _lacking(self, config: str) -> Verdict:
        """What to say of a SlackConfig that cannot be had; it may still come, or be corrected."""
        if self._cache.get(ObjectKey(Kind.CONFIG, config)) is not None:
            message = f"SlackConfig {config} is invalid, see its status"
            return Verdict(False, "ConfigInvalid", message, may_pass=True)
        message = f"SlackConfig {config} does not exist: create it, or correct spec.configRef"
        return Verdict(False, "ConfigNotFound", message, may_pass=True)


def _unlooked(channels: Sequence[str], verdict: Verdict, *, enabled: bool = True) -> ReceiverFacts:
    """The facts about a receiver whose channels there is no reason, or no way, to look at."""
    looks = (ChannelLook(each, "", "Unknown", verdict.reason, verdict.message) for each in channels)
    return ReceiverFacts(0, verdict, enabled, tuple(map(ChannelFacts, looks)))


def _not_granted(config: SlackConfig, namespace: str) -> Verdict:
    key = config.metadata.key
    message = (
        f"SlackConfig {key} does not allow namespace {namespace}: "
        "use another, or have its owner allow it in spec.allowedNamespaces"
    )
    return Verdict(False, _NOT_ALLOWED, message)


def _invalid(flaw: ResourceInvalid) -> Verdict:
    """What to say of an object that got past the schema; its last valid generation is not used."""
    message = f"{flaw}; nothing is done for this object until it is corrected"
    return Verdict(False, "Invalid", message)

"""Reconciles resources: verifies workspaces, looks channels up, and says what it found.

In: changes from the resource mirror, suspicions, and the passing of time. Out: facts for the
statuses, verified workspaces for delivery, snapshots for the dispatcher. There is one path for all
of them, through two work queues: SlackConfigs wait for Slack and must not hold up SlackReceivers.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Never

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

    async def run(self) -> Never:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._configs.run())
            tasks.create_task(self._receivers.run())
            tasks.create_task(self._feed.run())
        raise AssertionError("the queues run until cancelled")

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
        known = self._cache.receivers.get(receiver)
        now = known and known.config_key
        before = self._config_of.pop(receiver, None)
        if now:
            self._config_of[receiver] = now
        for config in {now, before} - {None} if now != before else ():
            self._configs.add(config)

    async def _reconcile_config(self, key: str) -> float | None:
        observed = self._cache.get(ObjectKey(Kind.CONFIG, key))
        if observed is None:
            return None
        if observed.resource is None:
            self._workspaces.forget(key)
            self._put_config(key, ConfigFacts(observed.generation, _invalid(observed.flaw)))
            return None
        state = await self._workspaces.refresh(observed.resource)
        if key not in self._cache.configs:
            self._workspaces.forget(key)
            return 0.0
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

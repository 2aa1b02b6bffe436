"""Verifies SlackConfigs: reads their credential, asks Slack who we are, keeps what came of it.

In: SlackConfigs, from the reconciler, and refusals of a credential, from delivery. Out: the state
of each workspace, for statuses and for delivery.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tocsin.errors import SlackCredentialRejected, SlackError
from tocsin.model.resources import SlackConfig
from tocsin.model.statuses import Capability
from tocsin.model.workspace import Connection, Identity
from tocsin.pipeline.credentials import CUSTOMIZE_SCOPE, REQUIRED_SCOPE, capabilities, check_token
from tocsin.pipeline.endpoints import Endpoints, api_url, proxy_url
from tocsin.pipeline.flaws import Flaw
from tocsin.pipeline.object_values import ObjectValues, ValueRef
from tocsin.pipeline.ports import Kube, Slack
from tocsin.pipeline.trust import TrustStore

VERIFIED: Final = "Verified"
_TRUSTED_SECONDS: Final = 3600.0
"""How long Slack's word for a credential holds."""
_REPEAT_SECONDS: Final = 60.0
"""Between two questions about a credential that Slack refuses; scopes may have been added."""
_DEFAULT_TIMEOUT_SECONDS: Final = 10.0
_REASONS: Final = {
    "tls_failed": "TLSFailed",
    "timeout": "Timeout",
    "connect_timeout": "Timeout",
}


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """What is known of a SlackConfig's workspace.

    `key` is `namespace/name`. `connection` is None unless `ready`. `verified_at` is when Slack last
    accepted the credential, in seconds since the epoch, 0 for never. `retry` tells, of one that is
    not ready, whether that may end by itself.
    """

    key: str
    ready: bool
    reason: str
    message: str
    connection: Connection | None = None
    identity: Identity | None = None
    capabilities: tuple[Capability, ...] = ()
    verified_at: float = 0.0
    retry: bool = False


@dataclass(slots=True)
class _Known:
    """What is kept of a SlackConfig between two looks.

    `asked` is the connection that Slack was last asked about and `asked_at` when; `suspected` says
    that Slack has refused it since, `cleared_at` when such a suspicion last proved wrong.
    """

    state: WorkspaceState
    asked: Connection | None = None
    asked_at: float = float("-inf")
    suspected: bool = False
    cleared_at: float = float("-inf")


class Workspaces:
    """States by SlackConfig (`namespace/name`).

    `allowed_slack_hosts` and `allowed_proxies` are the operator's settings; `clock` is in seconds
    since the epoch.
    """

    def __init__(
        self,
        slack: Slack,
        kube: Kube,
        allowed_slack_hosts: Sequence[str],
        allowed_proxies: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._slack = slack
        self._values = ObjectValues(kube)
        self._endpoints = Endpoints(allowed_slack_hosts, allowed_proxies)
        self._trust = TrustStore()
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def state(self, key: str) -> WorkspaceState | None:
        """Return what is known of a SlackConfig, None before its first `refresh`."""
        known = self._known.get(key)
        return known.state if known else None

    def forget(self, key: str) -> None:
        """Drop all that is known of a SlackConfig, its credential included."""
        self._known.pop(key, None)
        self._values.forget(key)

    def suspect(self, key: str, error: SlackError, used: Connection | None = None) -> None:
        """Slack refused the credential during a delivery: not ready from now on.

        The next `refresh` reads the Secret and asks Slack again; at once, unless Slack has just
        accepted this very credential in spite of an earlier suspicion. `used` is what the delivery
        went with: where the token was replaced since, its refusal says nothing of the new one.
        """
        known = self._known.get(key)
        if known is None or known.state.connection is None:
            return
        if used is not None and used.token != known.state.connection.token:
            return
        known.suspected = True
        reason, message = _refusal(error)
        known.state = replace(
            known.state, ready=False, reason=reason, message=message, connection=None, retry=True
        )

    async def refresh(self, config: SlackConfig) -> WorkspaceState:
        """Look at a SlackConfig's credential, ask Slack where that is due, and return the state."""
        key = config.metadata.key
        found = await self._connect(config)
        if isinstance(found, Flaw):
            self._known[key] = _Known(_unusable(key, found))
            return self._known[key].state
        known = self._known.get(key) or _Known(_unusable(key, Flaw("", "")))
        if self._is_due(known, found):
            known = await self._ask(key, known, found)
            self._known[key] = known
        return known.state

    def _is_due(self, known: _Known, connection: Connection) -> bool:
        if known.asked != connection:
            return True
        now = self._clock()
        if known.suspected:
            return now >= known.cleared_at + _REPEAT_SECONDS
        if known.state.ready:
            return now >= known.state.verified_at + _TRUSTED_SECONDS
        return known.state.retry or now >= known.asked_at + _REPEAT_SECONDS

    async def _ask(self, key: str, known: _Known, connection: Connection) -> _Known:
        """Ask Slack about a credential and return what is known then."""
        try:
            identity = await self._slack.verify(connection)
        except SlackCredentialRejected as error:
            reason, message = _refusal(error)
            state = _unusable(key, Flaw(reason, message))
        except SlackError as error:
            if known.asked == connection and (known.state.ready or known.suspected):
                return known  # Slack's earlier word holds, for or against the credential
            reason = _REASONS.get(error.code, "SlackUnavailable")
            state = _unusable(key, Flaw(reason, str(error), retry=reason != "TLSFailed"))
        else:
            state = _verified(key, connection, identity, self._clock())
        now = self._clock()
        cleared = known.suspected and known.asked == connection and state.ready
        return _Known(state, connection, now, cleared_at=now if cleared else known.cleared_at)

    async def _connect(self, config: SlackConfig) -> Connection | Flaw:
        """Return how to reach the workspace, or why it cannot be tried."""
        spec, key = config.spec, config.metadata.key
        if spec.token_secret_ref is None:
            return Flaw(
                "WebhookNotSupportedYet",
                "this release does not send through incoming webhooks yet: use tokenSecretRef",
            )
        if flaw := self._endpoints.flaw(spec.api):
            return flaw
        reference = spec.token_secret_ref
        namespace = config.metadata.namespace
        place = ValueRef("Secret", "Secret", namespace, reference.name, reference.key)
        value = await self._values.read(key, place)
        token = value if isinstance(value, Flaw) else check_token(value, str(place))
        if isinstance(token, Flaw):
            return token
        connection = Connection(
            config=key,
            token=token,
            api_url=api_url(spec.api),
            proxy_url=proxy_url(spec.api),
            timeout_seconds=spec.api.timeout_seconds or _DEFAULT_TIMEOUT_SECONDS,
            username=spec.username or "",
            icon_emoji=spec.icon_emoji or "",
            icon_url=spec.icon_url or "",
        )
        return await self._with_authorities(config, connection)

    async def _with_authorities(
        self, config: SlackConfig, connection: Connection
    ) -> Connection | Flaw:
        bundle = config.spec.api.ca_bundle_ref
        if bundle is None:
            return connection
        namespace = config.metadata.namespace
        place = ValueRef("CABundle", bundle.kind, namespace, bundle.name, bundle.key)
        pem = await self._values.read(connection.config, place)
        if isinstance(pem, Flaw):
            return pem
        context = await self._trust.context(pem, str(place))
        return context if isinstance(context, Flaw) else replace(connection, ca=context)


def _unusable(key: str, flaw: Flaw) -> WorkspaceState:
    return WorkspaceState(key, False, flaw.reason, flaw.message, retry=flaw.retry)


def _verified(key: str, connection: Connection, identity: Identity, now: float) -> WorkspaceState:
    """The state of a credential that Slack accepts; its scopes may still not do."""
    state = WorkspaceState(
        key,
        ready=True,
        reason=VERIFIED,
        message=f"posts to {identity.team} as @{identity.user}",
        connection=connection,
        identity=identity,
        capabilities=capabilities(identity.scopes),
        verified_at=now,
    )
    if REQUIRED_SCOPE not in identity.scopes:
        message = (
            f"the token lacks the scope {REQUIRED_SCOPE}, without which nothing can be posted: "
            "add it to the Slack app under OAuth & Permissions, and install the app again"
        )
        return replace(state, ready=False, reason="ScopeMissing", message=message, connection=None)
    if CUSTOMIZE_SCOPE not in identity.scopes:
        plain = replace(connection, username="", icon_emoji="", icon_url="")
        return replace(state, connection=plain)
    return state


def _refusal(error: SlackError) -> tuple[str, str]:
    """Reason and message for a credential that Slack does not accept."""
    if error.code == "missing_scope":
        cure = "add the scope to the Slack app, and install the app again"
        return "ScopeMissing", f"{error}: {cure}"
    return "TokenRejected", f"{error}: put a valid token into the Secret"

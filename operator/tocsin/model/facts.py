"""What a status is made of: facts about a resource, and the report that comes of them.

Facts are gathered by the reconciler and from delivery; `stages.reporting` turns them into a report.
"""

from dataclasses import dataclass, field
from typing import Any

from tocsin.model.conditions import ConditionStatus
from tocsin.model.statuses import Capability
from tocsin.model.tally import Tally
from tocsin.model.workspace import Identity


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an object can do its work: its Ready condition.

    `reason` is one CamelCase word, `message` names the cure. `may_pass` tells, of an object that is
    not ready, whether that may end without a change to the object: Reconciling, else Stalled.
    """

    ready: bool
    reason: str
    message: str
    may_pass: bool = False


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """What is known of a SlackConfig; `verified_at` is 0 while Slack has not accepted it."""

    generation: int
    verdict: Verdict
    identity: Identity | None = None
    capabilities: tuple[Capability, ...] = ()
    receivers: int = 0
    verified_at: float = 0.0


@dataclass(frozen=True, slots=True)
class ChannelLook:
    """What Slack's listings say of a channel.

    `name` is as the receiver writes it, `id` empty while unknown.
    """

    name: str
    id: str
    reachable: ConditionStatus
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """A look at a channel, what came of deliveries to it, and how many messages wait for it."""

    look: ChannelLook
    tally: Tally = field(default_factory=Tally)
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class ReceiverFacts:
    """What is known of a SlackReceiver; `channels` in the order of its spec."""

    generation: int
    verdict: Verdict
    enabled: bool = True
    channels: tuple[ChannelFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """A k8s event to create about an object; `warn` for what somebody should mend."""

    reason: str
    note: str
    warn: bool


@dataclass(frozen=True, slots=True)
class Report:
    """A whole status as the API server holds it, and what became known since the one shown."""

    status: dict[str, Any]
    announcements: tuple[Announcement, ...] = ()

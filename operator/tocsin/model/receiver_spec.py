"""The spec of a SlackReceiver: which channels get what."""

from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic_core import core_schema

from tocsin.errors import ResourceInvalid
from tocsin.model.channels import MAX_CHANNELS, Channels, bare_name
from tocsin.model.durations import Duration, PositiveDuration
from tocsin.model.matcher import Matcher, MatchType
from tocsin.model.schema import (
    DNS_LABEL,
    ResourceModel,
    Text,
    cel,
    list_map,
    list_type,
)
from tocsin.model.selectors import NamespaceName, ObjectName
from tocsin.model.signal import Source
from tocsin.model.time_interval import TimeInterval

MAX_SUBSCRIPTIONS: Final = 32
MAX_REFERENCED_CHANNELS: Final = MAX_CHANNELS * (MAX_SUBSCRIPTIONS + 1)

Updates = Literal["Thread", "Edit", "Post"]
Builtin = Literal["alerts", "events", "audit"]

_BLOCK_RULE: Final = "may be set with source: {} only"


class MatcherSpec(ResourceModel):
    """A condition on one label of a signal; all matchers of a subscription must match."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                "!(self.matchType in ['=~', '!~']) || "
                "''.matches(self.value) == ''.matches(self.value)",
                "value must be a regular expression (RE2)",
            )
        )
    )

    name: Annotated[str, Text(256)] = Field(description="Name of the label.")
    value: Annotated[str, Text(1024, min_length=0)] = Field(
        description="Value to compare with, or regular expression (RE2) that the whole value must "
        "match. A label that is absent counts as empty."
    )
    match_type: MatchType = Field(
        "=", description="How to compare: = equal, != not equal, =~ matches, !~ does not match."
    )

    def compiled(self) -> Matcher:
        """Return the matcher; raises ValueError where its regular expression does not compile."""
        try:
            return Matcher(self.name, self.value, self.match_type)
        except ResourceInvalid as error:
            raise ValueError(str(error)) from None


_CompiledMatcher = Annotated[
    Matcher,
    GetPydanticSchema(
        lambda _source, handler: core_schema.no_info_after_validator_function(
            MatcherSpec.compiled, handler(MatcherSpec)
        )
    ),
]


class TemplateRef(ResourceModel):
    """The template that renders a subscription's messages."""

    name: ObjectName = Field(description="Name of the template, in the same namespace.")


class EventsBlock(ResourceModel):
    """How often a k8s event must occur before it is sent."""

    min_count: int = Field(ge=1, le=100_000, description="How many occurrences it takes.")
    within_seconds: PositiveDuration = Field(
        alias="within", description="Time within which they must occur, such as 10m."
    )


class GitlabBlock(ResourceModel):
    """Which of a GitLab project's activity is sent."""

    branches: Literal["All", "Default", "Protected", "DefaultAndProtected"] | None = Field(
        None, description="Branches whose pushes, pipelines and deployments are sent."
    )


_ALONE: Final = "'...' and 'sender' must stand alone"


def _special_alone(labels: tuple[str, ...]) -> tuple[str, ...]:
    if len(labels) > 1 and ("..." in labels or "sender" in labels):
        raise ValueError(_ALONE)
    return labels


_GroupBy = Annotated[
    tuple[Annotated[str, Text(256)], ...],
    Field(
        max_length=32,
        json_schema_extra={
            **list_type("set"),
            **cel(("size(self) < 2 || !('...' in self || 'sender' in self)", _ALONE)),
        },
    ),
    AfterValidator(_special_alone),
]


class Subscription(ResourceModel):
    """Signals of one source that go to the receiver's channels, and how they are shown."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            *(
                (
                    f"!has(self.{block}) || self.source == '{block}'",
                    f"{block} {_BLOCK_RULE.format(block)}",
                )
                for block in ("events", "gitlab")
            )
        )
    )

    name: Annotated[str, Text(63, DNS_LABEL)] = Field(
        description="Name of the subscription, unique in this receiver."
    )
    source: Source = Field(
        description="Where the signals come from: alerts, rules, events, audit, gitlab or slack."
    )
    matchers: tuple[_CompiledMatcher, ...] = Field(
        (),
        max_length=32,
        description="Conditions on the signals' labels; all must match. None: all signals.",
        json_schema_extra=list_type("atomic"),
    )
    channels: Channels | None = Field(
        None, description="Channels to send to, in place of the receiver's."
    )
    group_by: _GroupBy | None = Field(
        None,
        description="Labels whose values a group's signals share; one group is one message. "
        'Default for alerts: [cluster, namespace, alertname]. ["..."]: all labels. '
        '["sender"]: the groups of the sending Alertmanager.',
    )
    group_wait_seconds: Duration | None = Field(
        None,
        alias="groupWait",
        description="Time to wait for more of a new group before its first message; default 1s, "
        "10s with an incoming webhook, 0 for what an Alertmanager has held already.",
    )
    group_interval_seconds: PositiveDuration | None = Field(
        None,
        alias="groupInterval",
        description="Least time between two notifications about a group; default 5m.",
    )
    repeat_interval_seconds: PositiveDuration | None = Field(
        None,
        alias="repeatInterval",
        description="Time after which what still fires is notified again; default 12h.",
    )
    send_resolved: bool = Field(True, description="Whether to show that alerts are resolved.")
    template: TemplateRef | None = Field(
        None, description="Template of the messages; default the built-in one."
    )
    updates: Updates = Field(
        "Thread",
        description="How changes are shown. Thread: the message is edited, and what a person "
        "must see is a reply in its thread that the channel sees, too. Edit: it is edited only. "
        "Post: each change is a message of its own.",
    )
    events: EventsBlock | None = Field(None, description="Settings of source events.")
    gitlab: GitlabBlock | None = Field(None, description="Settings of source gitlab.")

    @model_validator(mode="after")
    def _has_only_its_block(self) -> Self:
        blocks: Mapping[Source, Any] = {Source.EVENTS: self.events, Source.GITLAB: self.gitlab}
        for source, block in blocks.items():
            if block is not None and self.source is not source:
                raise ValueError(f"{source} {_BLOCK_RULE.format(source)}")
        return self


class ConfigRef(ResourceModel):
    """The SlackConfig to send with."""

    name: ObjectName = Field(description="Name of the SlackConfig.")
    namespace: NamespaceName | None = Field(
        None,
        description="Namespace of the SlackConfig, which must allow this one; "
        "default the receiver's own.",
    )


def _unique_names(subscriptions: tuple[Subscription, ...]) -> tuple[Subscription, ...]:
    if len({each.name for each in subscriptions}) < len(subscriptions):
        raise ValueError("must have distinct names")
    return subscriptions


class SlackReceiverSpec(ResourceModel):
    """Which channels of a workspace get what."""

    config_ref: ConfigRef = Field(description="The workspace to send to.")
    enabled: bool = Field(
        True, description="Whether to send; false stops at once and keeps what is known."
    )
    channels: Channels = Field(
        description="Channels to send to, 1 to 20: #name or name, channel ID, or member ID for a "
        "direct message."
    )
    builtin: tuple[Builtin, ...] = Field(
        ("alerts", "events", "audit"),
        max_length=3,
        description="Built-in policies to receive: alerts, events, audit.",
        json_schema_extra=list_type("set"),
    )
    subscriptions: Annotated[tuple[Subscription, ...], AfterValidator(_unique_names)] = Field(
        (),
        max_length=MAX_SUBSCRIPTIONS,
        description="What to receive besides the built-in policies. Of several that take a signal "
        "for one channel the first decides; built-in policies come last.",
        json_schema_extra=list_map("name"),
    )
    mute_times: tuple[TimeInterval, ...] = Field(
        (),
        max_length=16,
        description="When nothing is notified.",
        json_schema_extra=list_type("atomic"),
    )
    active_times: tuple[TimeInterval, ...] = Field(
        (),
        max_length=16,
        description="When something is notified; default always.",
        json_schema_extra=list_type("atomic"),
    )

    @property
    def all_channels(self) -> tuple[str, ...]:
        """Every channel that the receiver or a subscription names, each once, in their order."""
        found: dict[str, str] = {}
        for reference in chain(
            self.channels, *(each.channels or () for each in self.subscriptions)
        ):
            found.setdefault(bare_name(reference), reference)
        return tuple(found.values())

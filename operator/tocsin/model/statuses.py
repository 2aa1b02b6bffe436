"""The statuses of both resources: written by the operator, never read as input.

`model_dump(mode="json", by_alias=True, exclude_none=True)` gives what is written.
"""

from typing import Annotated, Literal

from pydantic import Field

from tocsin.model.conditions import Condition, ConditionStatus, Timestamp
from tocsin.model.receiver_spec import MAX_REFERENCED_CHANNELS
from tocsin.model.schema import ClippedText, ResourceModel, list_map, list_type

_Word = Annotated[str, ClippedText(256)]
_Sentence = Annotated[str, ClippedText(1024)]


class ResourceStatus(ResourceModel):
    """What both statuses hold."""

    observed_generation: int = Field(
        -1, description="Generation of the object that the status speaks of; -1: not seen yet."
    )
    conditions: tuple[Condition, ...] = Field(
        (),
        max_length=8,
        description="Ready, Reconciling, Stalled, and Delivering on receivers.",
        json_schema_extra=list_map("type"),
    )


class Team(ResourceModel):
    """The workspace that the credential belongs to."""

    id: _Word = Field(description="ID of the workspace.")
    name: _Word = Field(description="Name of the workspace.")
    url: _Word | None = Field(None, description="URL of the workspace.")


class Bot(ResourceModel):
    """Who posts."""

    id: _Word | None = Field(None, description="ID of the bot; user tokens have none.")
    user_id: _Word = Field(description="ID of the bot's user, or of the user.")
    name: _Word = Field(description="Name to invite, as in /invite @name.")


class Capability(ResourceModel):
    """Something that scopes beyond chat:write enable."""

    name: _Word = Field(description="What it enables.")
    available: bool = Field(description="Whether the credential has the scopes for it.")
    missing_scopes: tuple[_Word, ...] = Field(
        (),
        max_length=8,
        description="Scopes to add to the Slack app.",
        json_schema_extra=list_type("set"),
    )


class SlackConfigStatus(ResourceStatus):
    """What Slack says of the credential."""

    team: Team | None = Field(None, description="The workspace that the credential belongs to.")
    bot: Bot | None = Field(None, description="Who posts.")
    token_type: Literal["Bot", "User", "Webhook"] | None = Field(
        None, description="Kind of the credential: Bot, User or Webhook."
    )
    scopes: tuple[_Word, ...] = Field(
        (),
        max_length=256,
        description="Scopes that the token has.",
        json_schema_extra=list_type("set"),
    )
    capabilities: tuple[Capability, ...] = Field(
        (),
        max_length=32,
        description="What the token's scopes enable, and what they lack.",
        json_schema_extra=list_map("name"),
    )
    receivers: int | None = Field(None, ge=0, description="How many SlackReceivers use it.")
    last_verified_time: Timestamp | None = Field(
        None, description="When Slack last accepted the credential."
    )


class ChannelStatus(ResourceModel):
    """One channel: whether it can be posted to, and what was."""

    name: _Word = Field(description="The channel as the receiver names it.")
    id: _Word | None = Field(None, description="ID of the channel, once known.")
    reachable: ConditionStatus = Field(
        description="Whether the app can post there; Unknown where its scopes do not allow a look."
    )
    reason: _Word | None = Field(None, description="Why, in one word.")
    last_sent_time: Timestamp | None = Field(None, description="When Slack last took a message.")
    last_error: _Sentence | None = Field(None, description="What Slack last refused, and why.")
    sent: int = Field(0, ge=0, description="Messages that Slack took.")
    failed: int = Field(0, ge=0, description="Messages that were given up.")
    pending: int = Field(0, ge=0, description="Messages that wait.")


class Totals(ResourceModel):
    """Sums over all channels."""

    channels: int = Field(ge=0, description="How many channels the receiver names.")
    reachable: int = Field(0, ge=0, description="How many of them are known to be reachable.")
    sent: int = Field(0, ge=0, description="Messages that Slack took.")
    failed: int = Field(0, ge=0, description="Messages that were given up.")
    pending: int = Field(0, ge=0, description="Messages that wait.")
    last_sent_time: Timestamp | None = Field(None, description="When Slack last took a message.")


class SlackReceiverStatus(ResourceStatus):
    """Whether messages really reach Slack."""

    channels: tuple[ChannelStatus, ...] = Field(
        (),
        max_length=MAX_REFERENCED_CHANNELS,
        description="Each channel that the receiver or a subscription names.",
        json_schema_extra=list_map("name"),
    )
    totals: Totals | None = Field(None, description="Sums over all channels.")

"""The custom resources, group tocsin.dev: their parsing, and what the CRDs say besides schemas.

`parse_config` and `parse_receiver` turn what a watch or a list gave into frozen objects; they are
called wherever resources come in, and again on stored ones after a restart. `KINDS` is what
`tocsin.cli.generate_crds` writes the CRDs from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import Field, ValidationError

from tocsin.errors import ResourceInvalid
from tocsin.model.config_spec import SlackConfigSpec
from tocsin.model.receiver_spec import SlackReceiverSpec
from tocsin.model.schema import ResourceModel
from tocsin.model.statuses import ResourceStatus, SlackConfigStatus, SlackReceiverStatus

GROUP: Final = "tocsin.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"


class Metadata(ResourceModel):
    """What is used of an object's metadata."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    labels: Mapping[str, str] = Field(default={})

    @property
    def key(self) -> str:
        """The object's `namespace/name`."""
        return f"{self.namespace}/{self.name}"


class _Resource(ResourceModel):
    """What both kinds share.

    `body` is what it was parsed from, as far as it was: JSON to store and to parse again.
    """

    metadata: Metadata
    body: Mapping[str, Any] = Field(default={}, repr=False, exclude=True)


class SlackConfig(_Resource):
    """A Slack workspace and its credential."""

    spec: SlackConfigSpec


class SlackReceiver(_Resource):
    """Which channels of a workspace get what."""

    spec: SlackReceiverSpec

    @property
    def config_key(self) -> str:
        """`namespace/name` of the SlackConfig that it sends with."""
        ref = self.spec.config_ref
        return f"{ref.namespace or self.metadata.namespace}/{ref.name}"


_Kind = TypeVar("_Kind", SlackConfig, SlackReceiver)


def parse_config(body: Mapping[str, Any]) -> SlackConfig:
    """Parse a SlackConfig as the API server holds it; raises ResourceInvalid."""
    return _parse(SlackConfig, body)


def parse_receiver(body: Mapping[str, Any]) -> SlackReceiver:
    """Parse a SlackReceiver as the API server holds it; raises ResourceInvalid."""
    return _parse(SlackReceiver, body)


def _parse(model: type[_Kind], body: Mapping[str, Any]) -> _Kind:
    plain = {name: _plain(body.get(name, {})) for name in ("metadata", "spec")}
    if isinstance(plain["metadata"], dict):  # without what changes with each status written
        known = Metadata.model_fields
        plain["metadata"] = {
            key: plain["metadata"][key] for key in known if key in plain["metadata"]
        }
    try:
        return model.model_validate({**plain, "body": plain})
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_input=False)
        message = first["msg"].removeprefix("Value error, ")
        if others:
            message += f" (and {len(others)} more)"
        raise ResourceInvalid(_path(first["loc"]), message) from None


def _plain(part: object) -> object:
    """Return kopf's views of mappings, too, as the dict that pydantic wants."""
    return dict(part) if isinstance(part, Mapping) else part


def _path(location: tuple[int | str, ...]) -> str:
    """Write a location as kubectl does: `spec.subscriptions[0].name`."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that kubectl prints; `wide` ones only with `-o wide`."""

    name: str
    json_path: str
    type: str = "string"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class ResourceKind:
    """What a CRD says of a kind."""

    kind: str
    short_name: str
    description: str
    spec: type[ResourceModel]
    status: type[ResourceStatus]
    columns: tuple[Column, ...]

    @property
    def plural(self) -> str:
        """The kind's name in URLs and RBAC rules."""
        return f"{self.kind.lower()}s"


def _condition(kind: str, part: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].{part}'


_AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

KINDS: Final = (
    ResourceKind(
        kind="SlackConfig",
        short_name="slc",
        description="A Slack workspace, its credential, and who may use it.",
        spec=SlackConfigSpec,
        status=SlackConfigStatus,
        columns=(
            Column("Ready", _condition("Ready", "status")),
            Column("Team", ".status.team.name"),
            Column("Receivers", ".status.receivers", "integer"),
            Column("Last Verified", ".status.lastVerifiedTime", "date"),
            _AGE,
            Column("Reason", _condition("Ready", "reason"), wide=True),
            Column("Message", _condition("Ready", "message"), wide=True),
        ),
    ),
    ResourceKind(
        kind="SlackReceiver",
        short_name="slr",
        description="Which channels of a Slack workspace get what; "
        "the status says whether it arrives.",
        spec=SlackReceiverSpec,
        status=SlackReceiverStatus,
        columns=(
            Column("Enabled", ".spec.enabled", "boolean"),
            Column("Channels", ".status.totals.channels", "integer"),
            Column("Ready", _condition("Ready", "status")),
            Column("Delivering", _condition("Delivering", "status")),
            Column("Sent", ".status.totals.sent", "integer"),
            Column("Failed", ".status.totals.failed", "integer"),
            Column("Last Sent", ".status.totals.lastSentTime", "date"),
            _AGE,
            Column("Reason", _condition("Delivering", "reason"), wide=True),
            Column("Message", _condition("Delivering", "message"), wide=True),
        ),
    ),
)

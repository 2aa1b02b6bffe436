"""The spec of a SlackConfig: a workspace, its credential, and who may use it."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from tocsin.model.channels import is_allowed_channel
from tocsin.model.durations import parse_duration
from tocsin.model.schema import Pattern, ResourceModel, Text, cel, list_type
from tocsin.model.selectors import (
    AllowedNamespaces,
    CaBundleRef,
    TokenSecretRef,
    WebhookSecretRef,
)

_HOST: Final = r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
_LOOPBACK: Final = r"(localhost|127\.[0-9.]+|\[::1\])(:[0-9]{1,5})?"
_API_URL: Final = Pattern(
    rf"^(https://{_HOST}|http://{_LOOPBACK})(/[A-Za-z0-9._~/-]*)?$",
    "must be an https URL without user, query and fragment, such as "
    "https://slack.example.com/api/ (http only to a loopback host)",
)
_PROXY_URL: Final = Pattern(
    rf"^https?://{_HOST}/?$",
    "must be http://host:port or https://host:port, without user and password",
)
_ICON_URL: Final = Pattern(r"^https://[^\s<>|]+$", "must be an https URL")
_ICON_EMOJI: Final = Pattern(
    r"^:[^\s:]+:$", "must be the name of an emoji between colons, such as :bell:"
)
_TIMEOUT: Final = Pattern("^([1-9]|[1-5][0-9]|60)s$|^1m$", "must be from 1s to 60s")
_GLOB: Final = Pattern(r"^[^\s,]+$", "must be a channel's name or ID; * and ? are wildcards")


class SlackApi(ResourceModel):
    """How Slack is reached, where that is not simply slack.com."""

    url: Annotated[str, Text(512, _API_URL)] | None = Field(
        None,
        description="Base URL of the Web API; default https://slack.com/api/. Other hosts than "
        "Slack's must be allowed in the operator's settings (TOCSIN_ALLOWED_SLACK_HOSTS).",
    )
    proxy_url: Annotated[str, Text(512, _PROXY_URL)] | None = Field(
        None,
        description="HTTP proxy to use; must be allowed in the operator's settings "
        "(TOCSIN_ALLOWED_PROXIES).",
    )
    ca_bundle_ref: CaBundleRef | None = Field(
        None,
        description="Certificate authorities (PEM) to trust besides the system's; "
        "in the same namespace.",
    )
    timeout_seconds: Annotated[float, Text(8, _TIMEOUT), AfterValidator(parse_duration)] | None = (
        Field(None, alias="timeout", description="Time that one call may take; default 10s.")
    )


_ONE_CREDENTIAL: Final = "must have exactly one of tokenSecretRef and webhookSecretRef"
_ONE_ICON: Final = "must have at most one of iconEmoji and iconUrl"


class SlackConfigSpec(ResourceModel):
    """A Slack workspace, its credential, and who may use it."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            ("has(self.tokenSecretRef) != has(self.webhookSecretRef)", _ONE_CREDENTIAL),
            ("!(has(self.iconEmoji) && has(self.iconUrl))", _ONE_ICON),
        )
    )

    token_secret_ref: TokenSecretRef | None = Field(
        None,
        description="Secret with the bot (xoxb-) or user (xoxp-) OAuth token of a Slack app. "
        "The scope chat:write is required; others enable more, see status.capabilities.",
    )
    webhook_secret_ref: WebhookSecretRef | None = Field(
        None,
        description="Secret with the URL of a Slack incoming webhook. Its channel is fixed in "
        "Slack, and its messages cannot be edited or threaded.",
    )
    username: Annotated[str, Text(80)] | None = Field(
        None, description="Name to post under (scope chat:write.customize); default the app's."
    )
    icon_emoji: Annotated[str, Text(100, _ICON_EMOJI)] | None = Field(
        None, description="Emoji to post under, such as :bell: (scope chat:write.customize)."
    )
    icon_url: Annotated[str, Text(2048, _ICON_URL)] | None = Field(
        None, description="URL of the picture to post under (scope chat:write.customize)."
    )
    api: SlackApi = Field(
        default_factory=SlackApi, description="How Slack is reached, where not directly."
    )
    allowed_namespaces: AllowedNamespaces = Field(
        AllowedNamespaces(), description="Which namespaces' SlackReceivers may use this workspace."
    )
    allowed_channels: tuple[Annotated[str, Text(81, _GLOB)], ...] = Field(
        (),
        max_length=64,
        description="Channels that may be posted to: names or IDs with * and ?; default all.",
        json_schema_extra=list_type("set"),
    )

    @model_validator(mode="after")
    def _has_one_of_each(self) -> Self:
        if (self.token_secret_ref is None) == (self.webhook_secret_ref is None):
            raise ValueError(_ONE_CREDENTIAL)
        if self.icon_emoji is not None and self.icon_url is not None:
            raise ValueError(_ONE_ICON)
        return self

    def allows_channel(self, *names: str) -> bool:
        """Whether a channel may be posted to; `names` are its reference, real name and ID."""
        return is_allowed_channel(self.allowed_channels, *names)

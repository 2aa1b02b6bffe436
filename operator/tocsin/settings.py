"""All settings, read from the environment once, by `app`; the only reader of the environment.

Names are `TOCSIN_` and the field's name in capitals. Lists are comma-separated. `tocsin settings`
prints them with their meaning and their value.
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.request import getproxies_environment

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tocsin.errors import SettingsInvalid

CommaList = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The operator's settings; each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_", frozen=True, extra="ignore")

    database_url: str = Field(
        "sqlite:////var/lib/tocsin/tocsin.db",
        description="Where state lives: sqlite:////path or postgresql+psycopg://user@host/name",
    )
    listen_host: str = Field("0.0.0.0", description="Address of the HTTP listener")  # noqa: S104 - a Service reaches it
    listen_port: int = Field(8080, ge=0, le=65535, description="Port of the HTTP listener; 0: any")
    cluster: str = Field("", description="Name of this cluster; stamped on alerts, shown in titles")
    namespace: str = Field("tocsin-system", description="The operator's own namespace")
    platform_namespaces: CommaList = Field(
        (), description="Namespaces whose receivers see every signal; default: the operator's own"
    )
    replica_labels: CommaList = Field(
        ("prometheus_replica", "replica"),
        description="Labels dropped before a signal is identified",
    )
    ingest_auth: Literal["token", "none"] = Field(
        "token", description="Who may post signals: bearers of the ingest token, or anyone (none)"
    )
    ingest_token_file: Path = Field(
        Path("/etc/tocsin/ingest/token"),
        description="File with the ingest token; several lines are several valid tokens",
    )
    max_body_bytes: int = Field(16 * 2**20, gt=0, description="Largest request body accepted")
    max_connections: int = Field(1000, gt=0, description="HTTP connections open at once")
    max_backlog_bytes: int = Field(
        2 * 2**30, gt=0, description="Accepted and unprocessed bytes above which intake answers 503"
    )
    min_free_bytes: int = Field(
        64 * 2**20, ge=0, description="Free disk space below which intake answers 503"
    )
    resolve_timeout_seconds: float = Field(
        300, gt=0, description="When an alert without an end resolves if it is not sent again"
    )
    resend_interval_seconds: float = Field(
        300,
        gt=0,
        description="Longest interval at which senders repeat firing alerts; "
        "after a start nothing resolves by the clock for twice as long",
    )
    allowed_slack_hosts: CommaList = Field(
        (), description="Hosts besides slack.com that SlackConfigs may name (host or host:port)"
    )
    allowed_proxies: CommaList = Field((), description="Proxies that SlackConfigs may name (URLs)")
    posts_per_second: float = Field(
        1, ge=0, description="Posts a second to one channel; 0: no limit (never with Slack itself)"
    )
    edits_per_minute: float = Field(
        50, ge=0, description="Edits a minute in one workspace; 0: no limit"
    )
    delivery_horizon_seconds: float = Field(
        24 * 3600, gt=0, description="How long a delivery is tried before it is given up"
    )
    decision_days: float = Field(
        7, gt=0, description="How long decisions are kept at most; a size limit may end them sooner"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Log level")
    log_format: Literal["json", "console"] = Field("json", description="Log format")
    kubeconfig: Path | None = Field(
        None, description="Kubeconfig to use outside of a cluster; default: the service account"
    )

    @field_validator(
        "platform_namespaces",
        "replica_labels",
        "allowed_slack_hosts",
        "allowed_proxies",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @property
    def shown_database_url(self) -> str:
        """The database's address without its password."""
        return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:[redacted]@", self.database_url)

    @property
    def platforms(self) -> frozenset[str]:
        """The namespaces whose receivers see everything."""
        return frozenset(self.platform_namespaces or (self.namespace,))


def proxies_from_environment() -> dict[str, str]:
    """Return HTTPS_PROXY, NO_PROXY and so on, as `https`, `http`, `all` and `no`."""
    return getproxies_environment()


def load_settings() -> Settings:
    """Read the environment; raises SettingsInvalid that names each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"TOCSIN_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise SettingsInvalid(wrong) from None

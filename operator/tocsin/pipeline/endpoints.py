"""Which Slack hosts and proxies SlackConfigs may name.

In: the operator's settings, and a SlackConfig's `spec.api`. Out: a flaw, or None. Asked by
`pipeline.workspaces` before a byte leaves: a tenant could otherwise make the operator call inside
the cluster, or read through a proxy of their own a token that they may not read.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from tocsin.model.config_spec import SlackApi
from tocsin.pipeline.flaws import Flaw

DEFAULT_API_URL: Final = "https://slack.com/api/"
_SLACK_DOMAINS: Final = ("slack.com", "slack-gov.com")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def api_url(api: SlackApi) -> str:
    """Return the Web API's base URL; it ends in a slash."""
    return (api.url or DEFAULT_API_URL).rstrip("/") + "/"


def proxy_url(api: SlackApi) -> str:
    """Return the proxy that the SlackConfig names, empty for none."""
    return (api.proxy_url or "").rstrip("/")


class Endpoints:
    """What the settings allow.

    `allowed_hosts` are `host` (on the scheme's own port) or `host:port`; `allowed_proxies` are
    URLs.
    """

    def __init__(self, allowed_hosts: Sequence[str], allowed_proxies: Sequence[str]) -> None:
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._proxies = frozenset(proxy.rstrip("/").lower() for proxy in allowed_proxies)

    def flaw(self, api: SlackApi) -> Flaw | None:
        """Return why Slack may not be reached as `api` says, None where it may."""
        url = api_url(api)
        if not self._allows(url):
            host = urlsplit(url).netloc
            return Flaw(
                "HostNotAllowed",
                f"spec.api.url: calling {host} is not allowed. Slack's own hosts are, over https; "
                "others must be listed in the operator's setting TOCSIN_ALLOWED_SLACK_HOSTS "
                "(without TLS only those on a loopback address)",
            )
        proxy = proxy_url(api)
        if proxy and proxy.lower() not in self._proxies:
            return Flaw(
                "ProxyNotAllowed",
                f"spec.api.proxyUrl: {proxy} is not listed in the operator's setting "
                "TOCSIN_ALLOWED_PROXIES",
            )
        return None

    def _allows(self, url: str) -> bool:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        default_port = _DEFAULT_PORTS.get(parts.scheme)
        is_default_port = parts.port in (None, default_port)
        if parts.scheme == "https" and is_default_port and _is_slack(host):
            return True
        shown = f"[{host}]" if ":" in host else host
        listed = f"{shown}:{parts.port or default_port}" in self._hosts or (
            is_default_port and shown in self._hosts
        )
        return listed and (parts.scheme == "https" or _is_loopback(host))


def _is_slack(host: str) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in _SLACK_DOMAINS)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

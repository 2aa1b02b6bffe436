"""Which HTTP proxy a URL is reached through, by the environment's variables.

In: a URL, and the variables as `urllib.request.getproxies_environment()` gives them (`https`,
`http`, `all` and `no`). Out: the proxy's URL, empty for none. Called by `adapters.slack`, because
slack-sdk reads HTTPS_PROXY and ignores NO_PROXY. Follows curl's and Go's reading of NO_PROXY.
"""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from yarl import URL


def proxy_for(url: URL, variables: Mapping[str, str]) -> str:
    """Return the proxy for `url`, empty for none; loopback is never reached through one."""
    host = url.host or ""
    if _is_loopback(host) or _is_exempt(host, url.port, variables.get("no", "")):
        return ""
    return variables.get(url.scheme) or variables.get("all") or ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_exempt(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host: `*`, a name and all below it, an address, or a network."""
    for entry in no_proxy.split(","):
        name = entry.strip().lower()
        if not name:
            continue
        if name == "*" or _in_network(host, name):
            return True
        bare, colon, wanted_port = name.rpartition(":")
        if colon and wanted_port.isdigit() and bare and ":" not in bare:
            if port != int(wanted_port):
                continue
            name = bare
        name = name.removeprefix("*").strip(".")
        if name and (host == name or host.endswith(f".{name}")):
            return True
    return False


def _in_network(host: str, entry: str) -> bool:
    try:
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False

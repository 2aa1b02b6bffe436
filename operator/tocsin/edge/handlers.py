"""Kopf's handlers: what they get they hand on; and how they log in.

`register` fills a registry of the watching edge. Only `on.event`, so that kopf writes nothing to
any object; nothing is returned, since kopf would write that to the object's status.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import kopf

from tocsin.adapters.kube_access import load_access
from tocsin.model.object_key import Kind
from tocsin.model.resources import GROUP, VERSION

Observe = Callable[[Kind, str | None, Mapping[str, Any]], None]
"""Takes a watch event: kind, change (ADDED, MODIFIED, DELETED, None: listed first), and object."""


def register(registry: kopf.OperatorRegistry, observe: Observe, kubeconfig: Path | None) -> None:
    """Register the handlers; `observe` is called on kopf's event loop and must return at once."""

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.ConnectionInfo:
        return await connection_info(kubeconfig)

    @kopf.on.event(GROUP, VERSION, Kind.CONFIG.plural, registry=registry)
    async def config_seen(event: kopf.RawEvent, **_: Any) -> None:
        observe(Kind.CONFIG, event["type"], event["object"])

    @kopf.on.event(GROUP, VERSION, Kind.RECEIVER.plural, registry=registry)
    async def receiver_seen(event: kopf.RawEvent, **_: Any) -> None:
        observe(Kind.RECEIVER, event["type"], event["object"])


async def connection_info(kubeconfig: Path | None) -> kopf.ConnectionInfo:
    """Return kopf's credentials; called again by kopf after each 401, so tokens are read anew.

    Errors: KubeUnavailable where there are none.
    """
    access = await load_access(kubeconfig)
    header = await access.get_api_key_with_prefix("BearerToken") or ""
    scheme, _, token = header.partition(" ")
    return kopf.ConnectionInfo(
        server=access.host,
        ca_path=access.ssl_ca_cert,
        insecure=not access.verify_ssl,
        scheme=scheme or None,
        token=token.strip() or None,
        certificate_path=access.cert_file,
        private_key_path=access.key_file,
        proxy_url=access.proxy,
        trust_env=True,
    )

"""TLS contexts that trust the system's certificate authorities and those of a SlackConfig.

In: PEM texts. Out: contexts, one for each content, so that SlackConfigs with the same authorities
share their connections. Asked by `pipeline.workspaces`.
"""

import asyncio
import ssl
from collections import OrderedDict
from hashlib import blake2b

from tocsin.pipeline.flaws import Flaw


class TrustStore:
    """Keeps the `kept` contexts that were used last."""

    def __init__(self, kept: int = 64) -> None:
        self._kept = kept
        self._contexts: OrderedDict[bytes, ssl.SSLContext] = OrderedDict()

    async def context(self, pem: bytes, place: str) -> ssl.SSLContext | Flaw:
        """Return the context for these authorities; `place` says where they were read."""
        digest = blake2b(pem, digest_size=16).digest()
        context = self._contexts.get(digest)
        if context is None:
            try:
                context = await asyncio.to_thread(_build, pem)
            except (ssl.SSLError, ValueError):
                return Flaw("CABundleInvalid", f"{place} holds no certificate in PEM format")
            self._contexts[digest] = context
        self._contexts.move_to_end(digest)
        if len(self._contexts) > self._kept:
            self._contexts.popitem(last=False)
        return context


def _build(pem: bytes) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=pem.decode("ascii"))
    return context

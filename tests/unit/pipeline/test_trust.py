"""TLS contexts for own authorities."""

import ssl
from pathlib import Path

from tocsin.pipeline.trust import TrustStore

AUTHORITY = (Path(__file__).parents[1] / "adapters" / "tls" / "authority.pem").read_bytes()


async def test_equal_authorities_share_one_context() -> None:
    store = TrustStore()
    first = await store.context(AUTHORITY, "here")
    assert isinstance(first, ssl.SSLContext)
    assert await store.context(bytes(bytearray(AUTHORITY)), "there") is first
    assert await store.context(AUTHORITY + b"\n", "there") is not first


async def test_contexts_that_are_not_used_are_dropped() -> None:
    store = TrustStore(kept=2)
    first = await store.context(AUTHORITY, "here")
    for number in range(2):
        await store.context(AUTHORITY + b"\n" * (number + 1), "here")
    assert await store.context(AUTHORITY, "here") is not first

"""Doubles for ports that a test does not exercise: an API server that holds what it is given."""

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.errors import KubeNotFound
from tocsin.model.reason import Reason


class FakeKube:
    """An API server with `secrets` by (namespace, name) and nothing to watch."""

    def __init__(self, secrets: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
        self.secrets = dict(secrets)

    async def list_configs(self) -> Sequence[Mapping[str, Any]]:
        return ()

    async def list_receivers(self) -> Sequence[Mapping[str, Any]]:
        return ()

    async def namespace_labels(self) -> Mapping[str, Mapping[str, str]]:
        return {}

    async def secret_value(self, namespace: str, name: str, key: str) -> bytes | None:
        if (namespace, name) not in self.secrets:
            raise KubeNotFound(f"Secret {namespace}/{name} does not exist")
        value = self.secrets[namespace, name].get(key)
        return None if value is None else value.encode()

    async def config_map_value(self, namespace: str, name: str, key: str) -> bytes | None:
        raise KubeNotFound(f"ConfigMap {namespace}/{name} does not exist")

    async def patch_status(
        self, kind: str, namespace: str, name: str, status: Mapping[str, Any]
    ) -> None: ...

    async def publish(
        self, regarding: Mapping[str, Any], reason: str, note: str, warn: bool
    ) -> None: ...

    async def close(self) -> None: ...


class CountingTelemetry:
    """Keeps what the pipeline counted."""

    def __init__(self) -> None:
        self.reasons: list[Reason] = []
        self.outcomes: list[str] = []
        self.limited: list[str] = []

    def accepted(self, payload_bytes: int, seconds: float) -> None: ...

    def processed(self, signals: int, seconds: float) -> None: ...

    def decided(self, reason: Reason) -> None:
        self.reasons.append(reason)

    def delivered(self, outcome: str, seconds: float) -> None:
        self.outcomes.append(outcome)

    def rate_limited(self, method: str) -> None:
        self.limited.append(method)


class CountingStatuses:
    """Keeps which receivers' statuses were to be written, and whether at once."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, bool]] = []

    def changed(self, key: str, *, transition: bool) -> None:
        self.changes.append((key, transition))

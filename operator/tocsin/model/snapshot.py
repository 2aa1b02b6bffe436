"""All resources that routing and delivery read, at one moment; swapped whole, never changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tocsin.model.resources import SlackConfig, SlackReceiver


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the API server held at one moment; no secrets in it.

    `configs` and `receivers` are keyed by `namespace/name` and hold only objects that parsed;
    `namespaces` maps each namespace to its labels (for grants by selector). `stale` is true while
    it comes from the store and the API server has not answered since the start.
    """

    configs: Mapping[str, SlackConfig] = field(default_factory=dict)
    receivers: Mapping[str, SlackReceiver] = field(default_factory=dict)
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stale: bool = False


def key_of(namespace: str, name: str) -> str:
    """Return the key under which a namespaced object is known everywhere in Tocsin."""
    return f"{namespace}/{name}"

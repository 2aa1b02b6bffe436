"""Alerts as Prometheus posts them, encoded long before they are sent.

In: how many, in which groups, a seed. Out: bytes. The load generator shares a core with the sink,
so all that is left to do when a post starts is to fill in its times.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

STARTS_AT: Final = b"@starts-at-------------@"
ENDS_AT: Final = b"@ends-at---------------@"
"""They stand for times until a post starts, and are as long as one."""

GROUP_NAME: Final = "BenchGroup"
"""What the alertname of every alert begins with; the group's number follows."""

LEASE_SECONDS: Final = 240.0
"""How far ahead Prometheus sets `endsAt`: four times its longest re-send interval, a minute."""

_NAMESPACES: Final = 20
_SEVERITIES: Final = ("critical", "warning", "warning", "info")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: what identifies it, and what it says."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def template(self) -> bytes:
        """Return it as JSON with placeholders for its times."""
        return msgspec.json.encode(
            {
                "annotations": self.annotations,
                "endsAt": ENDS_AT.decode(),
                "startsAt": STARTS_AT.decode(),
                "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up+%3D%3D+0",
                "labels": self.labels,
            }
        )


def alert(group: int, identity: str, severity: str) -> Alert:
    """Return an alert of a group; `identity` is its own, in its pod's name and its summary."""
    pod = f"api-{identity}"
    return Alert(
        labels={
            "alertname": f"{GROUP_NAME}{group:06d}",
            "namespace": f"shop-{group % _NAMESPACES}",
            "pod": pod,
            "instance": f"10.0.{group % 250}.{len(pod)}:8443",
            "severity": severity,
        },
        annotations={"summary": f"Pod {pod} is restarting 0.27 times a minute."},
    )


def alerts(groups: int, of_each: int, seed: int) -> Iterator[Alert]:
    """Yield alerts, those of a group one after the other, as a rule's evaluation yields them."""
    chance = random.Random(seed)
    for group in range(groups):
        severity = chance.choice(_SEVERITIES)
        for _ in range(of_each):
            yield alert(group, f"{chance.getrandbits(40):010x}", severity)


def batched(every: Iterator[Alert], size: int) -> list[bytes]:
    """Return the alerts as bodies of `size` each, with placeholders for times."""
    bodies = []
    batch: list[bytes] = []
    for each in every:
        batch.append(each.template())
        if len(batch) == size:
            bodies.append(body_of(batch))
            batch = []
    return [*bodies, body_of(batch)] if batch else bodies


def body_of(encoded: Sequence[bytes]) -> bytes:
    """Return encoded alerts as the body of one post."""
    return b"[" + b",".join(encoded) + b"]"


def started(body: bytes, at: float) -> bytes:
    """Fill in when the alerts began (seconds since the epoch)."""
    return body.replace(STARTS_AT, _rfc3339(at))


def ending(body: bytes, at: float) -> bytes:
    """Fill in until when they hold, or when they ended."""
    return body.replace(ENDS_AT, _rfc3339(at))


def _rfc3339(seconds: float) -> bytes:
    moment = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds").encode() + b"Z"

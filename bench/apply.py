"""How soon `kubectl apply` is in force, with a thousand receivers in the cluster.

In: alerts every 50 ms, each a group of its own, and a SlackReceiver whose channel is changed again
and again. Out: the time from the API server's write (as a watch shows it) and from kubectl's return
to the first message in the new channel.
"""

import asyncio
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench import payloads
from bench.load import Target, pace
from bench.measuring import quantile, scrape, wait_for
from bench.objects import NAMESPACE, Waits, receiver, subscription, workspace
from bench.report import Bar, Report, say
from bench.rig import OPERATOR_CORE, UNLIMITED, Rig, SinkProcess, rig, token
from bench.sink import TOKEN, Arrival, channel_name
from lab.control_plane_build import control_plane_programs
from lab.process import Child, Command

RECEIVERS: Final = 1_000
_CHANGES: Final = 10
_CHANGE_SECONDS: Final = 3.0
_PER_SECOND: Final = 20.0
_LIMIT_MS: Final = 1_000.0
_CHUNK: Final = 250
_READY_SECONDS: Final = 180.0
_WAITS: Final = Waits(group_wait="0s")
_CHANGED: Final = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One change: to which channel, and when (seconds since the epoch) kubectl had returned."""

    channel: str
    returned_at: float


def run(seed: int = 1) -> Report:
    """Measure ten changes; the operator alone on its core."""
    count = int((_CHANGES + 2) * _CHANGE_SECONDS * _PER_SECOND)
    bodies = payloads.batched(payloads.alerts(count, 1, seed), 1)

    def body_of(number: int) -> bytes:
        now = time.time()
        return payloads.ending(payloads.started(bodies[number], now), now + payloads.LEASE_SECONDS)

    with rig("apply") as site, SinkProcess(site.folder / "sink") as sink:
        _apply_receivers(site, sink)
        with site.operator("operator", [sink.url], UNLIMITED, core=OPERATOR_CORE) as operator:
            _wait_until_ready(site)
            load = threading.Thread(
                target=lambda: asyncio.run(
                    pace(Target(operator.url, token()), count, body_of, _PER_SECOND)
                )
            )
            with _watched(site) as writes:
                load.start()
                changes = list(_change(site))
                load.join()
            wait_for(lambda: scrape(operator.url).value("tocsin_backlog_rows") == 0, 10)
            arrivals = sink.arrivals()
    return _report(changes, writes, arrivals)


def _apply_receivers(site: Rig, sink: SinkProcess) -> None:
    """A thousand receivers, of which one takes the load."""
    say(f"  applying {RECEIVERS} SlackReceivers")
    others = [
        receiver(
            f"other-{number}",
            "sink",
            [channel_name(2 + number % 20)],
            [subscription("own", _WAITS, {"alertname": f"Other{number}"})],
        )
        for number in range(RECEIVERS - 1)
    ]
    site.apply(*workspace("sink", TOKEN, sink.url), _receiver(channel_name(0)))
    for start in range(0, len(others), _CHUNK):
        site.apply(*others[start : start + _CHUNK])


def _receiver(channel: str) -> object:
    return receiver(_CHANGED, "sink", [channel], [subscription("all", _WAITS)])

"""How soon a message starts: one alert a post, 100 a second, each a group of its own, group wait 0.

In: a steady load. Out: the time from the start of a post to Tocsin to the arrival of its message at
the sink, and from the acknowledgement, beside what a sync to the same disk takes in the same run.
Seen from outside, and so longer than what the operator sees: requests and connections are in it.
"""

import asyncio
import time
from typing import Final

from bench import payloads
from bench.load import Target, pace
from bench.measuring import quantile, sync_seconds, wait_for
from bench.objects import Waits, receiver, subscription, workspace
from bench.report import Bar, Report
from bench.rig import OPERATOR_CORE, UNLIMITED, SinkProcess, rig, token
from bench.sink import TOKEN, channel_name

_PER_SECOND: Final = 100.0
_WARM_UP: Final = 100
_DRAIN_SECONDS: Final = 30.0
_WAITS: Final = Waits(group_wait="0s")


def run(seconds: float = 30, seed: int = 1) -> Report:
    """Measure on SQLite, the operator alone on its core."""
    count = _WARM_UP + int(seconds * _PER_SECOND)
    bodies = payloads.batched(payloads.alerts(count, 1, seed), 1)

    def body_of(number: int) -> bytes:
        now = time.time()
        return payloads.ending(payloads.started(bodies[number], now), now + payloads.LEASE_SECONDS)

    with rig("latency") as site, SinkProcess(site.folder / "sink") as sink:
        site.apply(
            *workspace("sink", TOKEN, sink.url),
            receiver("all", "sink", [channel_name(0)], [subscription("all", _WAITS)]),
        )
        with site.operator("operator", [sink.url], UNLIMITED, core=OPERATOR_CORE) as operator:
            site.wait_until_ready()
            syncs = sync_seconds(operator.folder)
            target = Target(operator.url, token())
            outcome = asyncio.run(pace(target, count, body_of, _PER_SECOND))
            wait_for(lambda: sink.count() >= count, _DRAIN_SECONDS)
            syncs += sync_seconds(operator.folder)
            arrived: dict[int, float] = {}
            for arrival in sink.arrivals():
                arrived.setdefault(arrival.group, arrival.at)
    measured = range(_WARM_UP, count)
    missing = [number for number in measured if number not in arrived]
    waits = [arrived[n] - outcome.began_at[n] for n in measured if n in arrived]
    after = [arrived[n] - outcome.acknowledged_at[n] for n in measured if n in arrived]
    return _report(syncs, waits, after, len(missing))


def _report(syncs: list[float], waits: list[float], after: list[float], missing: int) -> Report:
    sync_ms = quantile(syncs, 0.5) * 1000
    report = Report("latency, one alert a post, 100 a second, group wait 0")
    report.bars = [
        Bar("p50 from post to message", quantile(waits, 0.5) * 1000, 3 * sync_ms + 3, "ms"),
        Bar("p99 from post to message", quantile(waits, 0.99) * 1000, 8 * sync_ms + 10, "ms"),
        Bar("messages missing", missing, 0),
    ]
    report.notes = [
        f"fdatasync of 4 KB on this disk: p50 {sync_ms:.2f} ms, "
        f"p99 {quantile(syncs, 0.99) * 1000:.2f} ms; limits are 3 of its p50 + 3 ms, 8 + 10 ms",
        f"from the 2xx to the message: p50 {quantile(after, 0.5) * 1000:.2f} ms, "
        f"p99 {quantile(after, 0.99) * 1000:.2f} ms (negative: it was there before)",
    ]
    return report

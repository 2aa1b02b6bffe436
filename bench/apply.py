"""How soon `kubectl apply` is in force, with a thousand receivers in the cluster.

In: alerts every 50 ms, each a group of its own, and a SlackReceiver whose channel is changed again
and again. Out: the time from the API server's write (as a watch shows it) and from kubectl's return
to the arrival of the first message about a later alert in the new channel.
"""

import asyncio
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from bench import payloads
from bench.load import Outcome, Target, pace
from bench.measuring import quantile, wait_for
from bench.objects import NAMESPACE, Waits, receiver, subscription, workspace
from bench.report import Bar, Report, say
from bench.rig import OPERATOR_CORE, UNLIMITED, Rig, SinkProcess, rig, token
from bench.sink import TOKEN, Arrival, channel_name
from lab.control_plane_build import control_plane_programs
from lab.errors import LabError

RECEIVERS: Final = 1_000
_CHANGES: Final = 10
_CHANGE_SECONDS: Final = 3.0
_PER_SECOND: Final = 20.0
_LEASE_SECONDS: Final = 1.0
_LIMIT_MS: Final = 1_000.0
_CHUNK: Final = 250
_READY_SECONDS: Final = 180.0
_WAITS: Final = Waits(group_wait="0s", group_interval="1s")
_SETTINGS: Final = {**UNLIMITED, "TOCSIN_RESEND_INTERVAL_SECONDS": "1"}
_CHANGED: Final = "changed"
_READY: Final = '{.items[*].status.conditions[?(@.type=="Ready")].status}'


@dataclass(frozen=True, slots=True)
class Change:
    """One change: to which channel, and when (seconds since the epoch) kubectl had returned."""

    channel: str
    returned_at: float


@dataclass(frozen=True, slots=True)
class Effect:
    """When a change was in force, in ms: the first message about a later alert in the new channel,
    from the write and from kubectl's return (infinity: there was none); and how long after the
    write the last alert was posted that still went to the old one (0: none).
    """

    from_write_ms: float
    from_return_ms: float
    still_old_ms: float


def run(seed: int = 1) -> Report:
    """Measure ten changes; the operator alone on its core."""
    count = int((_CHANGES + 2) * _CHANGE_SECONDS * _PER_SECOND)
    bodies = payloads.batched(payloads.alerts(count, 1, seed), 1)
    outcomes: list[Outcome] = []

    def body_of(number: int) -> bytes:
        now = time.time()
        return payloads.ending(payloads.started(bodies[number], now), now + _LEASE_SECONDS)

    with rig("apply") as site, SinkProcess(site.folder / "sink") as sink:
        _apply_receivers(site, sink)
        with site.operator("operator", [sink.url], _SETTINGS, core=OPERATOR_CORE) as operator:
            _wait_until_ready(site)
            target = Target(operator.url, token())
            load = threading.Thread(
                target=lambda: outcomes.append(
                    asyncio.run(pace(target, count, body_of, _PER_SECOND))
                )
            )
            with _watched(site) as writes:
                load.start()
                changes = list(_change(site))
                load.join()
            time.sleep(_LEASE_SECONDS)
            arrivals = sink.arrivals()
    return _report(effects(changes, writes, outcomes[0].began_at, arrivals))


def effects(
    changes: Sequence[Change],
    writes: Sequence[tuple[str, float]],
    posted_at: Mapping[int, float],
    arrivals: Sequence[Arrival],
) -> list[Effect]:
    """Return when each change was in force.

    `writes` are what a watch showed: the channel from then on, and when; the first is the state at
    the beginning. `posted_at` is when the post of each group's one alert began.
    """
    first = {each.group: each for each in reversed(arrivals) if each.method == "chat.postMessage"}
    ends = [at for _, at in writes[2:]] + [float("inf")]
    found = []
    for change, (channel, written_at), end in zip(changes, writes[1:], ends, strict=True):
        if change.channel != channel:
            raise LabError("the watch did not show every change")
        later = [
            (posted_at[group], arrival)
            for group, arrival in first.items()
            if written_at < posted_at[group] < end
        ]
        at = min((each.at for _, each in later if each.channel == channel), default=float("inf"))
        old = [posted - written_at for posted, each in later if each.channel != channel]
        found.append(
            Effect(
                from_write_ms=(at - written_at) * 1000,
                from_return_ms=(at - change.returned_at) * 1000,
                still_old_ms=max(old, default=0.0) * 1000,
            )
        )
    return found


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


def _receiver(channel: str) -> Mapping[str, Any]:
    return receiver(_CHANGED, "sink", [channel], [subscription("all", _WAITS)])


def _wait_until_ready(site: Rig) -> None:
    """Return once the operator has looked at every receiver and written its status."""

    def is_ready() -> bool:
        told = site.cluster.kubectl(
            "get", "slackreceivers", f"--namespace={NAMESPACE}", f"--output=jsonpath={_READY}"
        )
        return told.split().count("True") == RECEIVERS

    began = time.monotonic()
    if not wait_for(is_ready, _READY_SECONDS):
        raise LabError(f"not all receivers were ready after {_READY_SECONDS:.0f} s")
    say(f"  all were ready {time.monotonic() - began:.1f} s after the operator")


def _change(site: Rig) -> Iterator[Change]:
    """Change the channel back and forth."""
    for number in range(1, _CHANGES + 1):
        time.sleep(_CHANGE_SECONDS)
        channel = channel_name(number % 2)
        site.apply(_receiver(channel))
        yield Change(channel, time.time())
    time.sleep(_CHANGE_SECONDS)


@contextmanager
def _watched(site: Rig) -> Iterator[list[tuple[str, float]]]:
    """Yield the receiver's channel and when it changed, as a watch of kubectl shows it."""
    command = [
        str(control_plane_programs() / "kubectl"),
        f"--kubeconfig={site.cluster.kubeconfig}",
        "get",
        f"slackreceiver/{_CHANGED}",
        f"--namespace={NAMESPACE}",
        "--watch",
        '--output=jsonpath={.spec.channels[0]}{"\\n"}',
    ]
    seen: list[tuple[str, float]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:

        def read() -> None:
            for line in watch.stdout or ():
                channel = line.strip()
                if not seen or seen[-1][0] != channel:
                    seen.append((channel, time.time()))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            yield seen
        finally:
            watch.terminate()
            reader.join()


def _report(found: Sequence[Effect]) -> Report:
    from_write = [each.from_write_ms for each in found]
    from_return = [each.from_return_ms for each in found]
    report = Report(f"kubectl apply of another channel, with {RECEIVERS:,} receivers")
    report.bars = [Bar("slowest, from the API server's write", max(from_write), _LIMIT_MS, "ms")]
    report.notes = [
        f"from the write: median {quantile(from_write, 0.5):.0f} ms of {len(found)} changes; "
        f"alerts come every {1000 / _PER_SECOND:.0f} ms",
        f"from kubectl's return: median {quantile(from_return, 0.5):.0f} ms, "
        f"slowest {max(from_return):.0f} ms (negative: before it)",
        f"last alert that still went to the old channel: "
        f"{max(each.still_old_ms for each in found):.0f} ms after the write",
    ]
    return report

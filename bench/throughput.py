"""Throughput beside an Alertmanager: the same load, the same waits, the same sink, a core each.

In: a load as Prometheus makes it, 64 alerts a post. Out: alerts acknowledged a second, when the
last group's message was at the sink, the backlog at the last 2xx and how long it took to drain,
memory. Servers take turns, in alternating order, each fresh; the load, the sink and what else there
is run on the other core.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from bench import payloads
from bench.contestants import ALERTMANAGER, SERVERS, TOCSIN, TOCSIN_POSTGRES, Server, start
from bench.load import Outcome, Target, drive
from bench.measuring import cpu_seconds, peak_memory_mb, quantile, scrape, wait_for
from bench.report import Bar, Report, say, table
from bench.rig import Rig, SinkProcess, rig
from lab.postgres import Postgres

_BATCH_ALERTS: Final = 64
_CONNECTIONS: Final = 8
_RESENDS: Final = 3
_DRAIN_SECONDS: Final = 240.0
_SCRAPE_SECONDS: Final = 0.25
"""Seldom: a scrape takes some milliseconds of the core that is measured."""
_BACKLOG: Final = "tocsin_backlog_rows"
_LEAST_RATIO: Final = 3.0
_MOST_MEMORY_MB: Final = 250.0


@dataclass(frozen=True, slots=True)
class Case:
    """A load: so many groups with so many alerts each."""

    groups: int
    of_each: int

    @property
    def name(self) -> str:
        """What the tables call it."""
        return f"{self.groups:,} x {self.of_each}"


CASES: Final = (Case(1_000, 10), Case(1_000, 100), Case(20_000, 1))


@dataclass(frozen=True, slots=True)
class Measured:
    """What one server did with one case; times in seconds from the first post.

    `new` and `again` are alerts acknowledged a second; `last` is when the last group's first
    message came, NaN where not all came; `missing` how many groups' did not. `backlog` are alerts
    at the last 2xx, `drained` when there were none. `extra` are deliveries beyond one a group.
    """

    server: str
    case: Case
    new: float
    again: float
    p99_seconds: float
    last: float
    missing: int
    extra: int
    backlog: float
    drained: float
    memory_mb: float
    cpu_seconds: float
    sink_cpu_share: float


def run(rounds: int = 2, seed: int = 1) -> Report:
    """Measure every case, `rounds` times each; the figures reported are medians."""
    found: list[Measured] = []
    with rig("throughput") as site, Postgres() as postgres:
        for case in CASES:
            for turn in range(rounds):
                for server in SERVERS if turn % 2 == 0 else reversed(SERVERS):
                    url = ""
                    if server == TOCSIN_POSTGRES:
                        url = postgres.create_database(f"bench_{case.groups}_{case.of_each}_{turn}")
                    measured = _measure(site, server, (case, turn, seed), url)
                    say("  " + "  ".join(_row(measured)))
                    found.append(measured)
    return _report([_median(found, server, case) for case in CASES for server in SERVERS])


def _measure(site: Rig, server: str, load: tuple[Case, int, int], url: str) -> Measured:
    case, turn, seed = load
    name = f"{server}-{case.groups}-{case.of_each}-{turn}"
    templates = payloads.batched(payloads.alerts(case.groups, case.of_each, seed), _BATCH_ALERTS)
    with (
        SinkProcess(site.folder / f"{name}-sink") as sink,
        start(site, server, name, sink, url) as running,
    ):
        return _drive(running, sink, server, case, templates)


def _drive(
    running: Server, sink: SinkProcess, server: str, case: Case, bodies: list[bytes]
) -> Measured:
    began, cpu, sink_cpu = time.time(), cpu_seconds(running.pid), cpu_seconds(sink.pid)
    alerts = case.groups * case.of_each
    new = _post(running.target, bodies)
    backlog, drained = 0.0, new.seconds
    if running.has_backlog:
        backlog, drained = _drain(running.target.url, new)
    wait_for(lambda: sink.count() >= case.groups, _DRAIN_SECONDS)
    settled_seconds = time.time() - began
    sink_share = (cpu_seconds(sink.pid) - sink_cpu) / settled_seconds
    arrivals = sink.arrivals()
    first: dict[int, float] = {}
    for arrival in arrivals:
        first.setdefault(arrival.group, arrival.at - began)
    again = [alerts / _post(running.target, bodies).seconds for _ in range(_RESENDS)]
    return Measured(
        server=server,
        case=case,
        new=alerts / new.seconds,
        again=median(again),
        p99_seconds=quantile(new.latencies_seconds, 0.99),
        last=max(first.values()) if len(first) == case.groups else float("nan"),
        missing=case.groups - len(first),
        extra=len(arrivals) - len(first),
        backlog=backlog,
        drained=drained,
        memory_mb=peak_memory_mb(running.pid),
        cpu_seconds=cpu_seconds(running.pid) - cpu,
        sink_cpu_share=sink_share,
    )


def _post(target: Target, bodies: list[bytes]) -> Outcome:
    """Post everything once, as fast as it is acknowledged; what is posted again began before."""

    def body_of(number: int) -> bytes:
        now = time.time()
        bodies[number] = payloads.started(bodies[number], now)
        return payloads.ending(bodies[number], now + payloads.LEASE_SECONDS)

    return asyncio.run(drive(target, len(bodies), body_of, _CONNECTIONS))


def _drain(url: str, new: Outcome) -> tuple[float, float]:
    """Return the alerts that wait at the last 2xx, and when none do, from the first post on."""
    posted = len(new.acknowledged_at)
    rows = scrape(url).value(_BACKLOG)
    wait_for(lambda: scrape(url).value(_BACKLOG) == 0, _DRAIN_SECONDS, _SCRAPE_SECONDS)
    return min(rows, posted) * _BATCH_ALERTS, time.time() - min(new.began_at.values())


def _median(found: list[Measured], server: str, case: Case) -> Measured:
    """Return one whose figures are the medians of all rounds; of loss and memory the worst."""
    rounds = [each for each in found if (each.server, each.case) == (server, case)]

    def middle(name: str) -> float:
        return float(median(getattr(each, name) for each in rounds))

    names = ("new", "again", "p99_seconds", "last", "backlog", "drained", "cpu_seconds")
    return replace(
        rounds[0],
        **{name: middle(name) for name in names},  # type: ignore[arg-type]  # all are floats
        missing=max(each.missing for each in rounds),
        memory_mb=max(each.memory_mb for each in rounds),
        sink_cpu_share=max(each.sink_cpu_share for each in rounds),
    )


_HEAD: Final = (
    "groups x alerts",
    "server",
    "new/s",
    "again/s",
    "p99 ms",
    "last s",
    "missing",
    "extra",
    "backlog",
    "drained s",
    "MB",
    "CPU s",
    "sink CPU",
)


def _row(measured: Measured) -> tuple[str, ...]:
    return (
        measured.case.name,
        measured.server,
        f"{measured.new:,.0f}",
        f"{measured.again:,.0f}",
        f"{measured.p99_seconds * 1000:,.1f}",
        f"{measured.last:,.2f}",
        f"{measured.missing:,}",
        f"{measured.extra:,}",
        f"{measured.backlog:,.0f}",
        f"{measured.drained:,.2f}",
        f"{measured.memory_mb:,.0f}",
        f"{measured.cpu_seconds:,.1f}",
        f"{measured.sink_cpu_share:.0%}",
    )


def _report(found: list[Measured]) -> Report:
    report = Report("throughput, beside Alertmanager (each on one core)")
    by_server = {(each.server, each.case): each for each in found}
    for case in CASES:
        ours, theirs = by_server[TOCSIN, case], by_server[ALERTMANAGER, case]
        report.bars += [
            _ratio(f"{case.name}, new: alerts/s over Alertmanager's", ours.new, theirs.new),
            _ratio(f"{case.name}, re-sent: alerts/s over Alertmanager's", ours.again, theirs.again),
            Bar(f"{case.name}: last arrival at the sink", ours.last, theirs.last, "s"),
        ]
    largest = by_server[TOCSIN, max(CASES, key=lambda case: case.groups)]
    report.bars.append(
        Bar("memory at 20,000 groups (VmHWM)", largest.memory_mb, _MOST_MEMORY_MB, "MB")
    )
    report.notes += table(_HEAD, [_row(each) for each in found]).splitlines()
    report.notes.append(
        f"{_BATCH_ALERTS} alerts a post, {_CONNECTIONS} connections; the sink is bench.sink, whose "
        "share of the other core stands in the last column"
    )
    return report


def _ratio(what: str, ours: float, theirs: float) -> Bar:
    return Bar(what, ours / theirs, _LEAST_RATIO, "times", at_least=True)

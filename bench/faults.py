"""`python -m bench.faults`: nothing accepted is lost, whatever happens, counted by Slack's journal.

The operator is ended with `kill -9` at random moments under a load of about 200 alerts a second, on
SQLite and on PostgreSQL, with a Slack that answers and with one that fails one request in twenty. A
trace of system calls shows that what is answered with 2xx is on the disk by then, which no kill can
show. Exits with 1 where a promise was broken, and says with which seed.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from typing import Final

from bench.deliveries import Kind
from bench.fault_run import Plan, Run, fault_run
from bench.report import say, table
from bench.rig import Rig, rig
from bench.tracing import trace_run
from lab.errors import LabError
from lab.postgres import Postgres

_SHOWN_VIOLATIONS: Final = 20

_HEAD: Final = (
    "run",
    "kills",
    "back s",
    "alerts/s",
    "alerts",
    "shown",
    "lost",
    "stale",
    "untrue",
    "in flight",
    "repeats",
    "unexcused",
    "posts",
    "replies",
    "edits",
    "reminders",
    "faults",
)


def main() -> int:
    """Run everything; 0 where every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=100, help="how long it is up")
    parser.add_argument("--kills", type=int, default=20, help="how often to kill in that time")
    parser.add_argument("--seed", type=int, default=1, help="of the load and of the moments")
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--slack", choices=["sound", "faulty", "both"], default="both")
    options = parser.parse_args()
    try:
        return _run(options)
    except LabError as error:
        say(f"faults: {error}")
        return 1


def _run(options: argparse.Namespace) -> int:
    databases = ["sqlite", "postgres"] if options.database == "both" else [options.database]
    slacks = ["sound", "faulty"] if options.slack == "both" else [options.slack]
    runs: list[Run] = []
    violations: list[str] = []
    with ExitStack() as stack:
        site = stack.enter_context(rig("faults"))
        postgres = stack.enter_context(Postgres()) if "postgres" in databases else None
        for database in databases:
            violations += trace_run(site, postgres if database == "postgres" else None)
            for slack in slacks:
                name = f"{database}-{slack}"
                url = ""
                if postgres is not None and database == "postgres":
                    url = postgres.create_database(slack)
                plan = Plan(
                    name, options.seconds, options.kills, options.seed, url, slack == "faulty"
                )
                runs.append(_one(site, plan))
        violations += [text for run in runs for text in run.verdict.violations()]
        say("\n" + table(_HEAD, [_row(run) for run in runs]))
        if violations:
            stack.pop_all()  # what was started ends with this process; its files stay
    return _told(violations, options.seed)


def _one(site: Rig, plan: Plan) -> Run:
    say(f"faults: {plan.name}: {plan.kills} kills in {plan.seconds:.0f} s, seed {plan.seed}")
    run = fault_run(site, plan)
    for text in run.verdict.violations()[:_SHOWN_VIOLATIONS]:
        say(f"  {plan.name}: {text}")
    return run


def _row(run: Run) -> Sequence[str]:
    verdict = run.verdict
    figures = (
        len(run.kills),
        f"{median(run.restart_seconds):.1f}" if run.restart_seconds else "-",
        f"{run.alerts_per_second:.0f}",
        verdict.expected,
        verdict.shown,
        len(verdict.lost),
        len(verdict.stale),
        len(verdict.untrue),
        sum(len(kill.in_flight) for kill in run.kills),
        len(verdict.repeats),
        len(verdict.repeats) - verdict.excused,
        run.count(Kind.FIRST),
        run.count(Kind.REPLY),
        run.count(Kind.EDIT),
        verdict.reminders,
        run.faults,
    )
    return (run.plan.name, *map(str, figures))


def _told(violations: Sequence[str], seed: int) -> int:
    if not violations:
        say("faults: every promise was kept")
        return 0
    say(f"faults: {len(violations)} promises were broken; run it again with --seed {seed}")
    for text in violations[:_SHOWN_VIOLATIONS]:
        say(f"  {text}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

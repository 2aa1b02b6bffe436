"""`python -m bench`: every bench in turn, then a summary of what was met.

`python -m bench latency apply` runs just these. Figures are only worth something on a machine that
does nothing else. Exits with 0 whatever the figures are: they are to be read.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

from bench import apply, latency, pacing, throughput
from bench.report import Report, say
from bench.rig import BESIDE_CORE, OPERATOR_CORE
from lab.errors import LabError

BENCHES: Final[Mapping[str, Callable[[], Report]]] = {
    "throughput": throughput.run,
    "latency": latency.run,
    "apply": apply.run,
    "pacing": pacing.run,
}


def main() -> int:
    """Run the benches named, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="|".join(BENCHES), help="default: all")
    names = parser.parse_args().benches or list(BENCHES)
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        parser.error(f"no such bench: {', '.join(unknown)}")
    if not {OPERATOR_CORE, BESIDE_CORE} <= os.sched_getaffinity(0):
        say("bench: this needs two cores, numbers 0 and 1")
        return 1
    # What is started from here runs there too, but for the servers that are measured.
    os.sched_setaffinity(0, {BESIDE_CORE})
    reports = []
    for name in names:
        say(f"bench: {name}, load average {os.getloadavg()[0]:.1f}")
        began = time.monotonic()
        try:
            report = BENCHES[name]()
        except LabError as error:
            say(f"bench: {name}: {error}")
            return 1
        report.notes.append(
            f"took {time.monotonic() - began:.0f} s; load average {os.getloadavg()[0]:.1f} after it"
        )
        say("\n".join(report.lines()))
        reports.append(report)
    say("\nsummary\n" + "\n".join(line for report in reports for line in report.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

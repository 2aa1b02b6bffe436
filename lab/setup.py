"""`python -m lab.setup`: sets up every program that the demo and the tests run against.

The first run takes minutes, because it builds the control plane; later ones well under a second.
The Makefile runs it before anything that needs the lab. strace is not among them: only the fault
runs want it, and look for it themselves.
"""

import sys

from lab import tools
from lab.errors import LabError


def main() -> int:
    """Sets up all programs; returns the exit status, 1 with one sentence where one is missing."""
    try:
        for set_up in (
            tools.prometheus,
            tools.alertmanager,
            tools.postgres,
            tools.control_plane_programs,
        ):
            set_up()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

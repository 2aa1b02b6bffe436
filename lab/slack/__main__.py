"""`python -m lab.slack`: the stand-in as a process, until SIGTERM or SIGINT.

Prints its base URL, and writes it to the ready-file once it answers.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from lab.slack.limits import Limits
from lab.slack.server import StandIn
from lab.slack.state import DEFAULT_KEPT_MESSAGES
from lab.slack.workspace import DEFAULT_FILE, Workspace, load_workspace


def main() -> int:
    """Run the stand-in; exit code 0 after a signal, 2 for a workspace that cannot be used."""
    options = _parse()
    try:
        workspace = load_workspace(options.workspace)
    except (OSError, ValueError) as error:
        print(f"lab.slack: {error}", file=sys.stderr)
        return 2
    asyncio.run(_serve(options, workspace))
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.slack", description="A stand-in for Slack."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--journal", type=Path, required=True, help="file that gets a line a request"
    )
    parser.add_argument("--workspace", type=Path, default=DEFAULT_FILE, help="JSON file")
    parser.add_argument("--ready-file", type=Path, help="gets the base URL once it answers")
    parser.add_argument("--no-limits", action="store_true", help="no rate limits")
    parser.add_argument(
        "--keep",
        type=int,
        default=DEFAULT_KEPT_MESSAGES,
        help="how many messages keep their content (default: %(default)s)",
    )
    return parser.parse_args()


async def _serve(options: argparse.Namespace, workspace: Workspace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    stand_in = StandIn(
        workspace,
        options.journal,
        port=options.port,
        limits=Limits(enabled=not options.no_limits),
        kept_messages=options.keep,
    )
    async with stand_in as slack:
        print(slack.url, flush=True)
        if options.ready_file:
            _announce(options.ready_file, slack.url)
        await stopped.wait()


def _announce(path: Path, url: str) -> None:
    """Write the URL so that a reader finds all of it or no file."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(url + "\n", encoding="utf-8")
    draft.replace(path)


if __name__ == "__main__":
    sys.exit(main())

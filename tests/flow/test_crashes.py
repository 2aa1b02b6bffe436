"""Promise 1: whatever was accepted survives `kill -9` at any point, and is told once."""

import asyncio
import signal
import sys

import pytest

from lab.places import PROJECT
from lab.slack.control import show_channel
from lab.slack.server import StandIn
from tests.flow.crashing import POINTS
from tests.flow.rig import FULL, MINIMAL

UNKNOWABLE = {"attempt committed", "posted", "before the outcome commits"}
"""Points at which a process that cannot read the channel cannot know whether its post arrived."""


async def run(
    database: str, slack: StandIn, token: str, point: str, *pods: str
) -> tuple[int | None, str]:
    """Run the pipeline in a process; return its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.flow.crashing",
        database,
        slack.url,
        token,
        point,
        *pods,
        cwd=PROJECT,
        env={"PYTHONPATH": f"{PROJECT / 'operator'}:{PROJECT}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize(
    ("point", "token"),
    [(point, FULL) for point in POINTS if point != "never"]
    + [(point, MINIMAL) for point in sorted(UNKNOWABLE)],
)
async def test_invariant_15_an_alert_survives_a_kill(
    store_url: str, slack: StandIn, point: str, token: str
) -> None:
    slack.limits.configure({}, enabled=False)
    status, said = await run(store_url, slack, token, point, "web-1")
    assert status == -signal.SIGKILL, said
    status, said = await run(store_url, slack, token, "never")
    assert status == 0, said
    shown = show_channel(slack.state, slack.state.channels["C00ALERTS"])["messages"]
    most = 2 if token == MINIMAL and point in UNKNOWABLE - {"attempt committed"} else 1
    assert len(shown) == most
    assert all("web-1" in message["text"] for message in shown)

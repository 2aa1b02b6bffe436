"""The servers that throughput is measured of, each with the same waits, on its one core.

In: a rig and a sink. Out: a running server that posts to that sink.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from bench.load import Target
from bench.objects import Waits, receiver, subscription, workspace
from bench.rig import OPERATOR_CORE, UNLIMITED, Rig, SinkProcess, token
from bench.sink import TOKEN, channel_name
from lab.alertmanager import Alertmanager

TOCSIN: Final = "tocsin"
TOCSIN_POSTGRES: Final = "tocsin-postgres"
ALERTMANAGER: Final = "alertmanager"
SERVERS: Final = (ALERTMANAGER, TOCSIN, TOCSIN_POSTGRES)

WAITS: Final = Waits(group_wait="1s", group_interval="5m", repeat_interval="12h")


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs: where to post, its process, and whether it tells its backlog."""

    target: Target
    pid: int
    has_backlog: bool


def start(
    site: Rig, server: str, name: str, sink: SinkProcess, url: str
) -> AbstractContextManager[Server]:
    """Start one of `SERVERS` with its files in a folder of that name.

    `url` is that of an empty database for one that needs it.
    """
    if server == ALERTMANAGER:
        return _alertmanager(site, name, sink)
    return _tocsin(site, name, sink, url)


@contextmanager
def _tocsin(site: Rig, name: str, sink: SinkProcess, url: str) -> Iterator[Server]:
    channel = channel_name(0)
    site.apply(
        *workspace("sink", TOKEN, sink.url),
        receiver("all", "sink", [channel], [subscription("all", WAITS)]),
    )
    operator = site.operator(name, [sink.url], UNLIMITED, database_url=url, core=OPERATOR_CORE)
    with operator:
        site.wait_until_ready()
        yield Server(Target(operator.url, token()), operator.pid, has_backlog=True)


@contextmanager
def _alertmanager(site: Rig, name: str, sink: SinkProcess) -> Iterator[Server]:
    configuration: dict[str, Any] = {
        "global": {"slack_api_url": f"{sink.url}/hook"},
        "route": {
            "receiver": "sink",
            "group_by": ["cluster", "namespace", "alertname"],
            "group_wait": WAITS.group_wait,
            "group_interval": WAITS.group_interval,
            "repeat_interval": WAITS.repeat_interval,
        },
        "receivers": [
            {
                "name": "sink",
                "slack_configs": [{"channel": f"#{channel_name(0)}", "send_resolved": True}],
            }
        ],
    }
    with Alertmanager(site.folder / name, configuration, core=OPERATOR_CORE) as server:
        yield Server(Target(server.url), server.pid, has_backlog=False)

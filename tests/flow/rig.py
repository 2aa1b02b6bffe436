"""The pipeline put together for a test: a real store, the real Slack adapter, the stand-in.

Only the API server is left out: resources are handed over as snapshots.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from tests.fakes import CountingStatuses, CountingTelemetry, FakeKube
from tests.unit.factories import receiver
from tocsin.adapters.slack import SlackWebApi
from tocsin.model.reading import ReadingContext
from tocsin.model.resources import SlackConfig, SlackReceiver, parse_config
from tocsin.model.snapshot import Snapshot
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.destinations import Destinations
from tocsin.pipeline.dispatcher import Dispatcher, Flow
from tocsin.pipeline.inbox import Inflow
from tocsin.pipeline.intake import Intake
from tocsin.pipeline.pacing import SlackPacer
from tocsin.pipeline.ports import Slack, Store
from tocsin.pipeline.readers import READERS
from tocsin.pipeline.sending import Outside
from tocsin.pipeline.session import Scope
from tocsin.pipeline.workspaces import Workspaces
from tocsin.sources import alertmanager_api

FULL = "xoxb-lab-acme-full"
"""A token that may read history."""
MINIMAL = "xoxb-lab-acme-minimal"
"""One that may only write."""
QUICK = {"groupWait": "0s", "groupInterval": "200ms"}


def config(slack_url: str) -> SlackConfig:
    """The SlackConfig payments/acme, for the stand-in."""
    return parse_config(
        {
            "metadata": {"namespace": "payments", "name": "acme", "uid": "c", "generation": 1},
            "spec": {
                "tokenSecretRef": {"name": "slack-token"},
                "api": {"url": f"{slack_url}/api/", "timeout": "2s"},
            },
        }
    )


def quick_receiver(*channels: str, **spec: Any) -> SlackReceiver:
    """A receiver that does not wait, in namespace payments."""
    subscription = {"name": "all", "source": "alerts", **QUICK, **spec.pop("subscription", {})}
    return receiver(
        channels=channels or ("alerts",), builtin=[], subscriptions=[subscription], **spec
    )


def alert(name: str = "a", *, ends_in_seconds: float = 300.0, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus posts it; one with a negative end is resolved."""
    now = time.time()
    return {
        "labels": {"alertname": "Down", "namespace": "payments", "pod": name, **labels},
        "annotations": {"summary": f"pod {name} is down"},
        "startsAt": _rfc3339(now - 10),
        "endsAt": _rfc3339(now + ends_in_seconds),
    }


class Rig:
    """Runs the dispatcher for as long as its `async with` block."""

    def __init__(self, store: Store, slack_url: str, token: str = FULL) -> None:
        self.store = store
        self.slack_url = slack_url
        self.kube = FakeKube({("payments", "slack-token"): {"token": token}})
        self.telemetry, self.statuses = CountingTelemetry(), CountingStatuses()
        self.wrap: Callable[[Slack], Slack] = lambda slack: slack
        self.intake = Intake(store, self.telemetry)
        self.pacer = SlackPacer(0, 0, time.monotonic)
        self.horizon_seconds = 3600.0
        self.resend_seconds = 60.0
        self.snapshot = Snapshot()

    async def __aenter__(self) -> Self:
        self.api: Slack = SlackWebApi({})
        host = self.slack_url.removeprefix("http://")
        self.workspaces = Workspaces(self.api, self.kube, (host,), ())
        self.directory = ChannelDirectory(self.api)
        outside = Outside(
            store=self.store,
            slack=self.wrap(self.api),
            pacer=self.pacer,
            destinations=Destinations(self.workspaces, self.directory),
            workspaces=self.workspaces,
            directory=self.directory,
            statuses=self.statuses,
            telemetry=self.telemetry,
            suspected=lambda _config: None,
            horizon_seconds=self.horizon_seconds,
        )
        context = ReadingContext("", frozenset({"replica"}), 300.0)
        inflow = Inflow(
            READERS, context, lambda: self.intake.refused_at, resend_seconds=self.resend_seconds
        )
        flow = Flow(inflow, Scope(frozenset({"tocsin-system"}), ""), lambda: False)
        self.dispatcher = Dispatcher(outside, flow)
        self._running = asyncio.create_task(self.dispatcher.run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.dispatcher.stop()
        await self._running
        await self.api.close()

    async def adopt(self, *receivers: SlackReceiver) -> None:
        """Put these receivers in force, and the workspace."""
        acme = config(self.slack_url)
        await self.workspaces.refresh(acme)
        self.snapshot = Snapshot(
            {acme.metadata.key: acme}, {each.metadata.key: each for each in receivers}
        )
        await self.dispatcher.adopt(self.snapshot)

    async def accept(self, *alerts: Mapping[str, Any]) -> None:
        """Take alerts in, as the edge does once it has checked them."""
        payload = json.dumps(alerts).encode()
        await self.intake.accept(alertmanager_api.KIND, "test", payload)


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that must come; fails the test where it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.01)


def texts(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The fallback texts of messages, in their order."""
    return [message["text"] for message in messages]


def _rfc3339(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))

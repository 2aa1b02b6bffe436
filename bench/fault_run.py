"""One fault run: load, kills and restarts, until everything has come to rest; then the verdict.

In: `Plan`. Out: `Run`. Called by `bench.faults`, for each database with and without faults of
Slack's own.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from bench.deliveries import Delivery, Kind, deliveries
from bench.fault_site import BLIND, add_faults, objects, workspace
from bench.in_flight import deliveries_in_flight
from bench.judging import Kill, Verdict, judge
from bench.lives import RESEND_SECONDS, SLOTS, Life, Story
from bench.load import Target
from bench.report import say
from bench.rig import UNLIMITED, Rig, token
from bench.senders import Sender
from lab.operator_process import OperatorProcess
from lab.slack.journal import read_journal
from lab.slack_process import SlackProcess

_SENDERS: Final = 4
_STAYS_EVERY: Final = 11
"""Every eleventh slot ends firing: not all of one channel."""
_QUIET_SECONDS: Final = 20.0
_PATIENCE_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.2
_SCOPES: Final = ("chat:write", "channels:read", "groups:read", "channels:history")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run is to do; `database_url` empty for SQLite.

    `seconds` is how long the operator is up under the load, all its lives together.
    """

    name: str
    seconds: float
    kills: int
    seed: int
    database_url: str = ""
    with_faults: bool = False


@dataclass(slots=True)
class Run:
    """What one run did, and what came of it; the rate is that while the operator was up."""

    plan: Plan
    verdict: Verdict
    kills: list[Kill]
    restart_seconds: list[float]
    alerts_per_second: float
    refusals: Counter[str]
    told: list[Delivery]
    faults: int

    def count(self, kind: Kind) -> int:
        """Return how many deliveries of a kind were accepted."""
        return sum(delivery.kind is kind for delivery in self.told)


def fault_run(rig: Rig, plan: Plan) -> Run:
    """Carry a plan out. Takes its load's time, and a minute or so to come to rest."""
    folder = rig.folder / plan.name
    folder.mkdir()
    workspace_file = folder / "workspace.json"
    workspace_file.write_bytes(msgspec.json.encode(workspace()))
    with SlackProcess(folder / "slack", limits=False, workspace=workspace_file) as slack:
        rig.apply(*objects(slack.url))
        settings = {**UNLIMITED, "TOCSIN_RESEND_INTERVAL_SECONDS": str(2 * RESEND_SECONDS)}
        operator = rig.operator(plan.name, [slack.url], settings, database_url=plan.database_url)
        with operator:
            rig.wait_until_ready()
            add_faults(slack.url, plan.seed if plan.with_faults else None)
            return asyncio.run(_Running(plan, operator, slack).run())


class _Running:
    """A run under way."""

    def __init__(self, plan: Plan, operator: OperatorProcess, slack: SlackProcess) -> None:
        self._plan = plan
        self._operator = operator
        self._slack = slack
        self._chance = random.Random(plan.seed)
        now = time.time()
        self._stories = [
            Story(
                slot,
                random.Random(f"{plan.seed}/{slot}"),
                next_at=now + self._chance.uniform(0, 10),
                stays=slot % _STAYS_EVERY == 0,
            )
            for slot in range(SLOTS)
        ]
        target = Target(operator.url, token())
        self._senders = [
            Sender(target, self._stories[first::_SENDERS]) for first in range(_SENDERS)
        ]
        self._kills: list[Kill] = []
        self._restart_seconds: list[float] = []

    async def run(self) -> Run:
        """Run to the end and judge."""
        sending = [asyncio.create_task(sender.run()) for sender in self._senders]
        await self._kill_again_and_again()
        alerts = sum(sender.alerts for sender in self._senders)
        for sender in self._senders:
            sender.closing = True
        say(f"  {self._plan.name}: the load is over; waiting until all is told and quiet")
        await self._until(lambda: all(story.is_settled() for story in self._stories))
        await self._until_quiet()
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        return self._judged(alerts / self._plan.seconds)

    async def _kill_again_and_again(self) -> None:
        """Kill at random moments of the time in which the operator is up, and start it again."""
        plan = self._plan
        moments = sorted(self._chance.uniform(0, plan.seconds) for _ in range(plan.kills))
        url = plan.database_url or f"sqlite:///{self._operator.database}"
        up_seconds = 0.0
        for number, moment in enumerate(moments, 1):
            await asyncio.sleep(moment - up_seconds)
            up_seconds = moment
            at = time.time()
            await asyncio.to_thread(self._operator.kill)
            in_flight = await asyncio.to_thread(deliveries_in_flight, url)
            self._kills.append(Kill(at, in_flight))
            await asyncio.to_thread(self._operator.start)
            self._restart_seconds.append(time.time() - at)
            say(
                f"  {plan.name}: kill {number} of {plan.kills}, after {moment:.1f} s; "
                f"{len(in_flight)} posts in flight, back after {self._restart_seconds[-1]:.1f} s"
            )
        await asyncio.sleep(plan.seconds - up_seconds)

    async def _until_quiet(self) -> None:
        """Return once Slack has heard nothing for a while."""
        quiet = [self._slack.journal.stat().st_size, time.monotonic()]

        def is_quiet() -> bool:
            size, now = self._slack.journal.stat().st_size, time.monotonic()
            if size != quiet[0]:
                quiet[:] = [size, now]
            return now - quiet[1] > _QUIET_SECONDS

        await self._until(is_quiet)

    async def _until(self, done: Callable[[], bool]) -> None:
        """Wait, but not for ever: the verdict then says what is missing."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not done() and time.monotonic() < deadline:  # noqa: ASYNC110 - files announce nothing
            await asyncio.sleep(_LOOK_SECONDS)

    def _judged(self, alerts_per_second: float) -> Run:
        entries = read_journal(self._slack.journal)
        told = list(deliveries(entries))
        lives: Sequence[Life] = [life for story in self._stories for life in story.lives]
        return Run(
            plan=self._plan,
            verdict=judge(told, lives, self._kills, frozenset({BLIND})),
            kills=self._kills,
            restart_seconds=self._restart_seconds,
            alerts_per_second=alerts_per_second,
            refusals=sum((sender.refusals for sender in self._senders), Counter()),
            told=told,
            faults=sum(entry.fault not in ("", "delay") for entry in entries),
        )

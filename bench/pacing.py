"""Pacing: Slack's limits are neither hit nor wasted, though nobody tells how large its bursts are.

In: three workspaces, each a stand-in that takes 1 message a second a channel and 50 edits a minute,
with bursts of 1, 3 and 10; one operator sends to all three. Out: when 100 groups for one channel
had arrived, what 20 other channels saw meanwhile, and how 500 groups that resolve at once end.
Takes a quarter of an hour, because 500 edits take ten minutes.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import msgspec

from bench import payloads
from bench.deliveries import Delivery, Kind, deliveries
from bench.load import Outcome, Target, drive, pace
from bench.measuring import quantile
from bench.pacing_site import (
    BUSY,
    EDITS_PER_MINUTE,
    OTHER,
    OTHERS,
    RESOLVING,
    WORKSPACE,
    limit,
    objects,
    template,
    workspace,
)
from bench.report import Bar, Report, say
from bench.rig import OPERATOR_CORE, rig, token
from lab.slack.journal import Entry, read_journal
from lab.slack_process import SlackProcess

BURSTS: Final = (1, 3, 10)
_BUSY_GROUPS: Final = 100
_RESOLVING_GROUPS: Final = 500

_BASELINE_SECONDS: Final = 15.0
_BUSY_SECONDS: Final = 125.0
_OTHERS_PER_SECOND: Final = 4.0
"""For each workspace: a message every 5 s in each of the other channels."""
_OPENING_SECONDS: Final = 1.2
_PATIENCE: Final = 1.3
_LEASE_SECONDS: Final = 7_200.0

_LATEST: Final = 1.1
_MOST_REFUSALS: Final = 3
_NO_DELAY_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Seen:
    """What one workspace saw. Times in seconds.

    `busy` is when the last of the busy channel's groups arrived, infinity where not all did;
    `before` and `meanwhile` are how long messages to the other channels took; `edits` is when the
    last group was shown resolved; `stale` how many never were.
    """

    burst: int
    busy: float
    busy_refusals: int
    before: Sequence[float]
    meanwhile: Sequence[float]
    edits: float
    edit_refusals: int
    stale: int


@dataclass(frozen=True, slots=True)
class Moments:
    """When what was posted, in seconds since the epoch; `others` by group."""

    busy: float
    resolved: float
    others: Mapping[int, float]


def run(resolving: int = _RESOLVING_GROUPS) -> Report:
    """Measure all three bursts at once."""
    with ExitStack() as stack:
        site = stack.enter_context(rig("pacing"))
        slacks = []
        for number, burst in enumerate(BURSTS):
            folder = site.folder / f"slack-{burst}"
            folder.mkdir()
            workspace_file = folder / "workspace.json"
            workspace_file.write_bytes(msgspec.json.encode(workspace(number)))
            slack = stack.enter_context(SlackProcess(folder, workspace=workspace_file))
            limit(slack.url, burst)
            slacks.append(slack)
            site.apply(*objects(number, slack.url))
        operator = site.operator("operator", [slack.url for slack in slacks], core=OPERATOR_CORE)
        stack.enter_context(operator)
        site.wait_until_ready()
        scenario = _Scenario(Target(operator.url, token()), slacks, resolving)
        moments = asyncio.run(scenario.run())
        found = [
            seen(read_journal(slack.journal), (number, burst, resolving), moments)
            for number, (burst, slack) in enumerate(zip(BURSTS, slacks, strict=True))
        ]
    return _report(found, resolving)


class _Scenario:
    """The load, on all workspaces at once."""

    def __init__(self, target: Target, slacks: Sequence[SlackProcess], resolving: int) -> None:
        self._target = target
        self._slacks = slacks
        self._resolving = resolving

    async def run(self) -> Moments:
        """Go through the three parts; return when everything has come, or should have."""
        say("  100 groups for one channel, and 20 others meanwhile")
        others = asyncio.create_task(self._post_others())
        await asyncio.sleep(_BASELINE_SECONDS)
        busy_at = time.time()
        await self._post(BUSY, range(_BUSY_GROUPS))
        outcome = await others
        say(f"  {self._resolving} groups open")
        opened: list[bytes] = []
        for start in range(0, self._resolving, OTHERS):
            opened.append(await self._post(RESOLVING, range(start, start + OTHERS)))
            await asyncio.sleep(_OPENING_SECONDS)
        say(f"  {self._resolving} groups resolve at once")
        resolved_at = time.time()
        resolved = [payloads.ending(body, resolved_at) for body in opened]
        await drive(self._target, len(resolved), resolved.__getitem__, 1)
        await self._until_edited(resolved_at)
        return Moments(busy_at, resolved_at, self._others_by_group(outcome))

    async def _post_others(self) -> Outcome:
        per_second = _OTHERS_PER_SECOND * len(self._slacks)
        count = int((_BASELINE_SECONDS + _BUSY_SECONDS) * per_second)
        return await pace(self._target, count, self._other, per_second)

    def _other(self, number: int) -> bytes:
        now = time.time()
        body = payloads.started(template([self._other_group(number)]), now)
        return payloads.ending(body, now + _LEASE_SECONDS)

    def _other_group(self, number: int) -> int:
        index, workspace_number = divmod(number, len(self._slacks))
        return workspace_number * WORKSPACE + OTHER + index

    def _others_by_group(self, outcome: Outcome) -> dict[int, float]:
        return {self._other_group(number): at for number, at in outcome.began_at.items()}

    async def _post(self, purpose: int, numbers: Sequence[int]) -> bytes:
        """Post a group of each number in each workspace; return the body, its end left open."""
        groups = [
            workspace_number * WORKSPACE + purpose + number
            for workspace_number in range(len(self._slacks))
            for number in numbers
        ]
        body = payloads.started(template(groups), time.time())
        firing = payloads.ending(body, time.time() + _LEASE_SECONDS)
        await drive(self._target, 1, lambda _: firing, 1)
        return body

    async def _until_edited(self, since: float) -> None:
        ideal = self._resolving / EDITS_PER_MINUTE * 60
        while time.time() - since < _PATIENCE * ideal + 10:
            await asyncio.sleep(5)
            journals = await asyncio.gather(
                *(asyncio.to_thread(read_journal, slack.journal) for slack in self._slacks)
            )
            if all(_over(entries) >= self._resolving for entries in journals):
                return


def seen(entries: Sequence[Entry], load: tuple[int, int, int], moments: Moments) -> Seen:
    """Return what a workspace saw; `load` is its number, its burst and how many groups resolve."""
    number, burst, resolving = load
    first: dict[int, Delivery] = {}
    states: dict[tuple[str, str], Delivery] = {}
    for delivery in deliveries(entries):
        if delivery.kind is Kind.FIRST:
            first.setdefault(delivery.group, delivery)
        states[delivery.message] = delivery
    base = number * WORKSPACE
    busy = [first.get(base + BUSY + group) for group in range(_BUSY_GROUPS)]
    busy_ends = max((each.at if each else float("inf")) for each in busy)
    waits = {
        group: first[group].at - at if group in first else float("inf")
        for group, at in moments.others.items()
        if group // WORKSPACE == number
    }
    ended = [each for each in states.values() if each.is_over]
    return Seen(
        burst=burst,
        busy=busy_ends - moments.busy,
        busy_refusals=_refusals(entries, "chat.postMessage", moments.busy, busy_ends),
        before=[wait for group, wait in waits.items() if moments.others[group] < moments.busy],
        meanwhile=[
            wait
            for group, wait in waits.items()
            if moments.busy <= moments.others[group] <= busy_ends
        ],
        edits=max((each.at for each in ended), default=float("inf")) - moments.resolved,
        edit_refusals=_refusals(entries, "chat.update", moments.resolved, float("inf")),
        stale=resolving - len(ended),
    )


def _refusals(entries: Sequence[Entry], method: str, since: float, until: float) -> int:
    return sum(
        entry.method == method and entry.status == 429 and since <= entry.at <= until
        for entry in entries
    )


def _over(entries: Sequence[Entry]) -> int:
    return len({each.message for each in deliveries(entries) if each.is_over})


def _report(found: Sequence[Seen], resolving: int) -> Report:
    report = Report("pacing, against limits that the operator is not told the bursts of")
    for each in found:
        ideal = float(_BUSY_GROUPS - each.burst)
        edits_ideal = (resolving - each.burst) / EDITS_PER_MINUTE * 60
        burst = f"burst {each.burst}"
        report.bars += [
            Bar(f"{burst}: 100 groups in one channel", each.busy, _LATEST * ideal, "s"),
            Bar(f"{burst}: 429s meanwhile", each.busy_refusals, _MOST_REFUSALS),
            Bar(
                f"{burst}: slowest message to 20 other channels meanwhile",
                max(each.meanwhile, default=float("nan")),
                _NO_DELAY_SECONDS,
                "s",
            ),
            Bar(f"{burst}: 429s while {resolving} groups resolve", each.edit_refusals, 3),
            Bar(f"{burst}: stale messages in the end", each.stale, 0),
        ]
        report.notes.append(
            f"{burst}: 100 groups took {each.busy:.1f} s, ideal {ideal:.0f} s (ratio "
            f"{each.busy / ideal:.3f}); other channels p50 {quantile(each.before, 0.5) * 1000:.0f} "
            f"ms before, {quantile(each.meanwhile, 0.5) * 1000:.0f} ms meanwhile, slowest "
            f"{max(each.before, default=0) * 1000:.0f} and "
            f"{max(each.meanwhile, default=0) * 1000:.0f} ms; {resolving} edits took "
            f"{each.edits:.0f} s, ideal {edits_ideal:.0f} s (ratio {each.edits / edits_ideal:.3f})"
        )
    return report

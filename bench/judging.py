"""The verdict on a fault run: what was lost, told twice, left stale or told untruly.

In: what Slack accepted, what the senders know, and the kills. Out: a `Verdict` that names each
violation. Pure, and tested on journals with each of these faults: a judge that cannot fail judges
nothing.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.deliveries import Delivery, Kind
from bench.lives import Life


@dataclass(frozen=True, slots=True)
class Kill:
    """A `kill -9` at a time in seconds since the epoch.

    `in_flight` are the IDs of the deliveries that were committed as under way, without an outcome,
    in the database that the killed process left.
    """

    at: float
    in_flight: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Repeat:
    """Two posts that tell of the same alerts; `excuse` says what allows it, empty for nothing."""

    first: Delivery
    second: Delivery
    excuse: str


@dataclass(slots=True)
class Verdict:
    """What a run showed. Violations are sentences; there are none in a good run."""

    expected: int = 0
    shown: int = 0
    lost: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    repeats: list[Repeat] = field(default_factory=list)
    reminders: int = 0

    @property
    def excused(self) -> int:
        """How many repeats the promise allows."""
        return sum(bool(repeat.excuse) for repeat in self.repeats)

    def violations(self) -> list[str]:
        """Return every broken promise as a sentence."""
        twice = [
            f"{repeat.second.team}: group {repeat.second.group} was told twice of "
            f"{', '.join(sorted(repeat.first.shown & repeat.second.shown)) or 'one delivery'}: "
            f"ts {repeat.first.message[1]} and {repeat.second.message[1]}"
            for repeat in self.repeats
            if not repeat.excuse
        ]
        return [*self.lost, *self.stale, *self.untrue, *twice]


def judge(
    told: Sequence[Delivery],
    lives: Sequence[Life],
    kills: Sequence[Kill],
    blind_teams: frozenset[str],
) -> Verdict:
    """Judge a run; `told` in the order of acceptance. In `blind_teams` no token reads history."""
    verdict = Verdict()
    shown = {identity for delivery in told for identity in delivery.shown}
    expected = [life for life in lives if life.fired_at is not None]
    verdict.expected = len(expected)
    verdict.shown = sum(life.identity in shown for life in expected)
    verdict.lost = [
        f"alert {life.identity} was acknowledged and never shown"
        for life in expected
        if life.identity not in shown
    ]
    verdict.reminders = sum(delivery.is_reminder for delivery in told)
    verdict.untrue = _untrue(told, {life.identity: life for life in lives})
    verdict.repeats = _repeats(told, kills, blind_teams)
    left_behind = {repeat.first.message for repeat in verdict.repeats if repeat.excuse}
    verdict.stale = _stale(told, lives, left_behind)
    return verdict


def _untrue(told: Iterable[Delivery], lives: Mapping[str, Life]) -> list[str]:
    """What was shown as resolved before its sender had said so: a lease that ended too early."""
    found = {}
    for delivery in told:
        for identity in delivery.ended:
            life = lives.get(identity)
            over_at = math.inf if life is None else life.posted_over_at or math.inf
            if delivery.at < over_at:
                found[identity] = f"alert {identity} was shown as resolved while it fired"
    return list(found.values())


def _repeats(
    told: Iterable[Delivery], kills: Sequence[Kill], blind_teams: frozenset[str]
) -> list[Repeat]:
    """Posts whose delivery ID, or any of whose alerts, an earlier post has told already.

    A reply names what is new, a first message all there is, and each alert fires once; so no two
    posts name the same one, but for reminders.
    """
    repeats = []
    by_delivery: dict[str, Delivery] = {}
    by_alert: dict[str, Delivery] = {}
    for delivery in told:
        if delivery.kind is Kind.EDIT:
            continue
        names = () if delivery.is_reminder else delivery.shown
        before = by_delivery.get(delivery.delivery_id) or next(
            (by_alert[name] for name in sorted(names) if name in by_alert), None
        )
        if before is not None:
            excuse = _excuse(before, delivery, kills) if delivery.team in blind_teams else ""
            repeats.append(Repeat(before, delivery, excuse))
        by_delivery[delivery.delivery_id] = delivery
        by_alert.update(dict.fromkeys(names, delivery))
    return repeats


def _excuse(first: Delivery, second: Delivery, kills: Iterable[Kill]) -> str:
    if first.delivery_id == second.delivery_id:
        return ""
    if not first.answered:
        return "its answer was withheld"
    for kill in kills:
        if first.delivery_id in kill.in_flight and kill.at < second.at:
            return "it was in flight at a kill"
    return ""


def _stale(
    told: Iterable[Delivery], lives: Iterable[Life], left_behind: set[tuple[str, str]]
) -> list[str]:
    """Groups whose last message is not true in the end, and earlier ones that still say firing."""
    states: dict[tuple[str, str], Delivery] = {}
    messages: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for delivery in told:
        if delivery.kind is Kind.FIRST:
            messages[delivery.group].append(delivery.message)
        if delivery.kind is not Kind.REPLY:
            states[delivery.message] = delivery
    firing: dict[int, set[str]] = defaultdict(set)
    for life in lives:
        if life.fired_at is not None and life.ends_at == math.inf:
            firing[life.group].add(life.identity)
    found = []
    for group, places in sorted(messages.items()):
        *earlier, last = places
        found += [
            f"group {group}: message {place[1]} was left behind, and says that it fires"
            for place in earlier
            if not states[place].is_over and place not in left_behind
        ]
        claimed = states[last].shown - states[last].ended
        if states[last].is_over == bool(firing[group]) or claimed != firing[group]:
            found.append(
                f"group {group}: message {last[1]} says that {_named(claimed)} fires, "
                f"in truth it is {_named(firing[group])}"
            )
    return found


def _named(identities: Iterable[str]) -> str:
    return ", ".join(sorted(identities)) or "nothing"

"""The lives of a fault run's alerts: when each opens and ends, and what the operator heard of it.

In: a seed and the time. Out: alerts that are due to be posted, and at the end what must have become
of them. Pure but for its own state; `bench.senders` posts, `bench.judging` judges.

Alerts come in episodes of three with a pause behind each, and a group has two episodes; then the
next group takes its place. So messages list every alert by name, however late they are: they have
room for five new ones, for five resolved ones beside those that fire, and for ten in the end.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bench import payloads

SLOTS: Final = 100
"""How many groups there are at a time."""
RESEND_SECONDS: Final = 1.0
"""How often what fires is posted again: Prometheus's minute, scaled down."""
LEASE_SECONDS: Final = 4 * RESEND_SECONDS
RESOLVED_RESEND_SECONDS: Final = 4.0
"""For how long what has resolved is posted again: Prometheus's 15 minutes, scaled down."""

_EPISODE_ALERTS: Final = 3
_GROUP_EPISODES: Final = 2
_OPENING_SECONDS: Final = 2.0
_LIFE_SECONDS: Final = (4.0, 8.0)
_PAUSE_SECONDS: Final = (3.0, 5.0)
_SEVERITIES: Final = ("critical", "warning", "info")


@dataclass(slots=True, eq=False)
class Life:
    """One alert's life, as its sender knows it; all times in seconds since the epoch.

    It fires from `begins_at` to `ends_at` (infinity: for ever). `fired_at` and `over_at` are when
    it was first acknowledged as firing, and as resolved; None while it was not. `posted_over_at` is
    when it was first posted as resolved, acknowledged or not. `heard_at` is its last
    acknowledgement.
    """

    identity: str
    group: int
    begins_at: float
    ends_at: float
    template: bytes
    fired_at: float | None = None
    over_at: float | None = None
    posted_over_at: float | None = None
    heard_at: float = -math.inf

    def is_due(self, now: float) -> bool:
        """Whether it is to be posted now: until it is acknowledged, and then again and again."""
        if now < self.begins_at:
            return False
        if now >= self.ends_at:
            if self.over_at is None:
                return True
            if now > self.over_at + RESOLVED_RESEND_SECONDS:
                return False
        elif self.fired_at is None:
            return True
        return now >= self.heard_at + RESEND_SECONDS

    def encoded(self, now: float) -> bytes:
        """Return it as it is to be posted now."""
        if now < self.ends_at:
            return payloads.ending(self.template, now + LEASE_SECONDS)
        if self.posted_over_at is None:
            self.posted_over_at = now
        return payloads.ending(self.template, self.ends_at)

    def acknowledged(self, posted_at: float, now: float) -> None:
        """The post of what was encoded at `posted_at` was answered with 2xx."""
        self.heard_at = now
        if posted_at < self.ends_at:
            self.fired_at = self.fired_at or now
        else:
            self.over_at = self.over_at or now


@dataclass(slots=True)
class Story:
    """What happens in one slot: episode after episode, until it is told to close.

    `stays`: it ends with one alert that fires for ever.
    """

    slot: int
    chance: random.Random
    next_at: float
    stays: bool = False
    lives: list[Life] = field(default_factory=list)
    _open: list[Life] = field(default_factory=list)
    _episodes: int = 0

    def due(self, now: float, closing: bool) -> Iterator[Life]:
        """Yield the alerts to be posted now; first begin an episode where it is time for one.

        While `closing`, no episode begins but the one that stays.
        """
        if not self.is_told(now) or now < self.next_at:
            yield from (life for life in self._open if life.is_due(now))
            return
        if self._open:
            self.next_at = now + self.chance.uniform(*_PAUSE_SECONDS)
            self._open = []
        elif not closing:
            self._begin(now)
        elif self.stays and not self.is_settled():
            self._add(self._group(self._episodes + _GROUP_EPISODES), now, math.inf)

    def is_told(self, now: float) -> bool:
        """Whether nothing of the running episode is left to be posted."""
        return all(
            life.over_at is not None and now > life.over_at + RESOLVED_RESEND_SECONDS
            for life in self._open
        )

    def is_settled(self) -> bool:
        """Whether its last state is acknowledged."""
        if not self.stays:
            return all(life.over_at is not None for life in self.lives)
        return (
            bool(self.lives)
            and self.lives[-1].ends_at == math.inf
            and bool(self.lives[-1].fired_at)
        )

    def _begin(self, now: float) -> None:
        for _ in range(_EPISODE_ALERTS):
            begins_at = now + self.chance.uniform(0, _OPENING_SECONDS)
            ends_at = begins_at + self.chance.uniform(*_LIFE_SECONDS)
            self._add(self._group(self._episodes), begins_at, ends_at)
        self._episodes += 1

    def _group(self, episode: int) -> int:
        return self.slot + SLOTS * (episode // _GROUP_EPISODES)

    def _add(self, group: int, begins_at: float, ends_at: float) -> None:
        identity = f"{self.slot:03d}x{len(self.lives):04d}"
        severity = _SEVERITIES[self.slot % len(_SEVERITIES)]
        template = payloads.alert(group, identity, severity).template()
        started = payloads.started(template, begins_at)
        life = Life(identity, group, begins_at, ends_at, started)
        self.lives.append(life)
        self._open.append(life)

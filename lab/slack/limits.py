"""Slack's rate limits as token buckets, settable while the stand-in runs.

Comes in: a method and the key that shares its budget (a channel for posts, a team for everything
else). Goes out: 0, or the whole seconds to wait for `Retry-After`. Asked by the method pipeline and
webhooks.

Source: https://docs.slack.dev/apis/web-api/rate-limits (tiers 2 and 3; "special" for posts and
auth.test). Slack does not publish its bursts; the ones here are guesses on the strict side.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

WEBHOOK: Final = "webhook"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket that refills `per_minute` evenly and holds at most `burst` requests."""

    per_minute: float
    burst: int

    def __post_init__(self) -> None:
        if not (self.per_minute > 0 and math.isfinite(self.per_minute)) or self.burst < 1:
            raise ValueError("a rule needs a positive per_minute and a burst of at least 1")


TIER_2: Final = Rule(20, 10)
TIER_3: Final = Rule(50, 10)

DEFAULT_RULES: Final[Mapping[str, Rule]] = {
    "chat.postMessage": Rule(60, 1),
    WEBHOOK: Rule(60, 1),
    "auth.test": Rule(600, 100),
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.list": TIER_2,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "users.lookupByEmail": TIER_3,
}


class Limits:
    """The buckets in force. A bucket is one number: when it would be full again (as in GCRA)."""

    def __init__(
        self,
        rules: Mapping[str, Rule] = DEFAULT_RULES,
        *,
        enabled: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.enabled = enabled
        self._initial = (dict(rules), enabled)
        self._rules = dict(rules)
        self._full_at: dict[tuple[str, str, str], float] = {}
        self._clock = clock

    @property
    def rules(self) -> Mapping[str, Rule]:
        """The rule of each limited method; a method without one is not limited."""
        return self._rules

    def configure(self, rules: Mapping[str, Rule], *, enabled: bool | None = None) -> None:
        """Replace the rules of the methods named, keep the others', and start with full buckets."""
        self._rules |= rules
        if enabled is not None:
            self.enabled = enabled
        self._full_at.clear()

    def reset(self) -> None:
        """Back to the rules that the stand-in started with, all buckets full."""
        rules, self.enabled = self._initial
        self._rules = dict(rules)
        self._full_at.clear()

    def take(self, method: str, team: str, key: str = "") -> int:
        """Spend one request of the bucket of (method, team, key).

        Returns 0 when it was admitted, otherwise the whole seconds (at least 1) after which one
        will be. A refused request costs nothing.
        """
        rule = self._rules.get(method)
        if rule is None or not self.enabled:
            return 0
        now = self._clock()
        interval_seconds = 60 / rule.per_minute
        bucket = (method, team, key)
        full_at = max(self._full_at.get(bucket, now), now)
        wait_seconds = full_at - (rule.burst - 1) * interval_seconds - now
        if wait_seconds > 1e-9:
            return max(1, math.ceil(wait_seconds))
        self._full_at[bucket] = full_at + interval_seconds
        return 0

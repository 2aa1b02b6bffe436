"""When Slack's limits allow the next call: the port `Pacer`.

In: what is about to be called, and Slack's 429s. Out: times of a monotonic clock. Asked by
delivery; pure logic, no I/O.

Slack publishes rates (a message a second a channel; 50 edits a minute a workspace) and tolerates
bursts whose size it does not tell. So a key starts by spending a burst, at a pace at which a
refusal comes back before much more was sent, and learns from its first 429 how large the burst
really is. After the burst it stays a little below the rate, because the network moves calls
closer together: a bucket that holds one call refuses the second of two that were spaced exactly
right and arrived a millisecond early.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from tocsin.model.group import Operation

_MARGIN: Final = 1.07
"""How much slower than the rate: room for 70 ms between the delays of two calls a second apart."""

_MARGIN_GROWTH: Final = 1.01
_MAX_MARGIN: Final = 1.09
_SUPPOSED_BURST: Final = 10.0
_PROBING_SECONDS: Final = 0.25
"""Between calls of a burst: about the time that Slack takes to answer."""

_IDLE_SECONDS: Final = 3600.0
"""How long a key that is not used is remembered, with what was learned about it."""

_Key = tuple[str, str]


class _Budget:
    """A token bucket whose size is learned; `interval_seconds` refills one call.

    `full_at` is when the bucket would be full again (the theoretical arrival time of GCRA).
    """

    __slots__ = (
        "burst",
        "full_at",
        "interval_seconds",
        "last_at",
        "longest_seconds",
        "paused_until",
    )

    def __init__(self, interval_seconds: float) -> None:
        self.interval_seconds = interval_seconds * _MARGIN
        self.longest_seconds = interval_seconds * _MAX_MARGIN
        self.burst = _SUPPOSED_BURST
        self.full_at = 0.0
        self.last_at = float("-inf")
        self.paused_until = 0.0

    def next_slot(self) -> float:
        in_burst = self.full_at - (self.burst - 1) * self.interval_seconds
        probing = self.last_at + min(_PROBING_SECONDS, self.interval_seconds)
        return max(in_burst, probing, self.paused_until)

    def take(self, now: float) -> None:
        self.full_at = max(self.full_at, now) + self.interval_seconds
        self.last_at = now

    def pause(self, now: float, seconds: float) -> None:
        """Take a 429 in: wait, and believe in no larger burst than there was.

        A 429 that comes while paused was on its way already, and teaches nothing more. The call
        that was refused is among those counted in `full_at`, so one is taken off; the pause ends
        with room for a single call.
        """
        if now >= self.paused_until and self.interval_seconds:
            if self.burst > 1:
                spent = (self.full_at - now) / self.interval_seconds
                self.burst = max(1.0, min(self.burst, spent - 1))
            else:
                self.interval_seconds = min(
                    self.interval_seconds * _MARGIN_GROWTH, self.longest_seconds
                )
        self.paused_until = max(self.paused_until, now + seconds)
        self.full_at = self.paused_until + (self.burst - 1) * self.interval_seconds


class SlackPacer:
    """Budgets of posts for each (team, channel) and of edits for each team.

    `posts_per_second` and `edits_per_minute` may be 0: no limit, though a 429 still pauses. `clock`
    is monotonic, in seconds. Replies count as posts. Memory grows with the channels that were used
    in the last hour.
    """

    def __init__(
        self,
        posts_per_second: float,
        edits_per_minute: float,
        clock: Callable[[], float],
    ) -> None:
        self._post_interval_seconds = 1 / posts_per_second if posts_per_second else 0.0
        self._edit_interval_seconds = 60 / edits_per_minute if edits_per_minute else 0.0
        self._clock = clock
        self._budgets: OrderedDict[_Key, _Budget] = OrderedDict()

    def next_slot(self, team: str, channel: str, operation: Operation) -> float:
        """Return the monotonic time from which the call is within limits (past: now)."""
        budget = self._budgets.get(_key(team, channel, operation))
        return budget.next_slot() if budget else 0.0

    def take(self, team: str, channel: str, operation: Operation) -> None:
        """Count a call that starts now."""
        now = self._clock()
        self._forget_idle(now)
        self._budget(team, channel, operation).take(now)

    def paused(self, team: str, channel: str, operation: Operation, seconds: float) -> None:
        """Slack said 429: nothing of that kind for that long."""
        self._budget(team, channel, operation).pause(self._clock(), seconds)

    def _budget(self, team: str, channel: str, operation: Operation) -> _Budget:
        key = _key(team, channel, operation)
        budget = self._budgets.get(key)
        if budget is None:
            is_edit = operation is Operation.EDIT
            budget = self._budgets[key] = _Budget(
                self._edit_interval_seconds if is_edit else self._post_interval_seconds
            )
        self._budgets.move_to_end(key)
        return budget

    def _forget_idle(self, now: float) -> None:
        while self._budgets:
            key, budget = next(iter(self._budgets.items()))
            if max(budget.last_at, budget.paused_until) > now - _IDLE_SECONDS:
                return
            del self._budgets[key]


def _key(team: str, channel: str, operation: Operation) -> _Key:
    """Edits share one budget in a workspace; channels have names, so `` stands for all."""
    return (team, "") if operation is Operation.EDIT else (team, channel)

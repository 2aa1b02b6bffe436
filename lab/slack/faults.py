"""Faults on demand: what goes wrong next, for which requests, how often.

Comes in: fault descriptions through the control API. Goes out: the fault that a request suffers, if
any. Asked by `exchange` before a request is looked at.
"""

import random
from typing import Final, Literal

import msgspec

from lab.slack.errors import BadControl

ANY_METHOD: Final = "*"
STATUSES: Final = frozenset({429, 500, 502, 503, 504})


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something that goes wrong with matching requests.

    `kind`:
    `status`: HTTP `status` instead of an answer (502 with an HTML body, 429 with Retry-After);
    `error`: refused with the Slack error code `error`;
    `timeout`: neither accepted nor answered, the connection stays open;
    `drop_before`: the connection is closed, nothing was accepted;
    `drop_after`: accepted (or refused) as usual, then the connection is closed without an answer;
    `delay`: looked at and answered only after `delay_seconds`, also when the client gave up
    meanwhile.

    `method`: a Web API method, `webhook`, or `*`. `channel`: an ID or a name; empty for any.
    `count`: how many requests suffer it; None for all until faults are cleared. `probability` (of
    each matching request), drawn from a generator with `seed`.
    """

    kind: Literal["status", "error", "timeout", "drop_before", "drop_after", "delay"]
    method: str = ANY_METHOD
    channel: str = ""
    status: int = 503
    error: str = "internal_error"
    delay_seconds: float = 1.0
    retry_after_seconds: int = 30
    count: int | None = None
    probability: float = 1.0
    seed: int = 0

    def check(self) -> None:
        """Errors: BadControl for a fault that cannot be."""
        if self.status not in STATUSES:
            raise BadControl(f"status {self.status} is none of {sorted(STATUSES)}")
        if not 0 < self.probability <= 1:
            raise BadControl("probability is more than 0 and at most 1")
        if self.count is not None and self.count < 1:
            raise BadControl("count is at least 1, or absent for every request")
        if self.delay_seconds < 0 or self.retry_after_seconds < 1:
            raise BadControl("delay_seconds is not negative, retry_after_seconds at least 1")


class FaultPlan:
    """The faults to come, tried in the order given; the first that fires wins."""

    def __init__(self) -> None:
        self._planned: list[tuple[Fault, random.Random]] = []

    def __bool__(self) -> bool:
        return bool(self._planned)

    @property
    def planned(self) -> list[Fault]:
        """The faults still in force, with the counts that are left."""
        return [fault for fault, _ in self._planned]

    def add(self, *faults: Fault) -> None:
        """Put faults behind those in force. Errors: BadControl, and then none was added."""
        for fault in faults:
            fault.check()
        self._planned += [(fault, random.Random(fault.seed)) for fault in faults]

    def clear(self) -> None:
        """No more faults."""
        self._planned.clear()

    def draw(self, method: str, channels: frozenset[str]) -> Fault | None:
        """The fault that this request suffers. `channels`: its channel's ID and names."""
        for number, (fault, generator) in enumerate(self._planned):
            if fault.method not in (ANY_METHOD, method):
                continue
            if fault.channel and fault.channel.removeprefix("#") not in channels:
                continue
            if generator.random() >= fault.probability:
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count == 0:
                    del self._planned[number]
            return fault
        return None

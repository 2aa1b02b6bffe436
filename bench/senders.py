"""Senders of a fault run: each a Prometheus of its own, which knows no retry but sending again.

In: stories. Out: posts to the operator, and in the stories what was acknowledged. A sender has one
post under way at a time, as Prometheus has, so that what it says of an alert arrives in order.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from bench import payloads
from bench.lives import Life, Story
from bench.load import RETRY_SECONDS, Connection, Target

_BATCH_ALERTS: Final = 64
_TICK_SECONDS: Final = 0.05


class Sender:
    """Posts the alerts of some groups until it is cancelled.

    `alerts` counts the alerts acknowledged, `refusals` the posts that were not, by their cause.
    """

    def __init__(self, target: Target, stories: Sequence[Story]) -> None:
        self._target = target
        self._stories = stories
        self._connection: Connection | None = None
        self.closing = False
        self.alerts = 0
        self.refusals: Counter[str] = Counter()

    async def run(self) -> None:
        """Post what is due, for ever."""
        try:
            while True:
                now = time.time()
                due = [life for story in self._stories for life in story.due(now, self.closing)]
                for start in range(0, len(due), _BATCH_ALERTS):
                    if not await self._post(due[start : start + _BATCH_ALERTS]):
                        await asyncio.sleep(RETRY_SECONDS)
                        break
                await asyncio.sleep(_TICK_SECONDS)
        finally:
            if self._connection is not None:
                self._connection.close()

    async def _post(self, lives: Sequence[Life]) -> bool:
        posted_at = time.time()
        body = payloads.body_of([life.encoded(posted_at) for life in lives])
        try:
            if self._connection is None:
                self._connection = await Connection.open(self._target)
            status = await self._connection.post(body)
        except OSError as error:
            self._connection = None
            self.refusals[type(error).__name__] += 1
            return False
        if not 200 <= status < 300:
            self.refusals[str(status)] += 1
            return False
        now = time.time()
        for life in lives:
            life.acknowledged(posted_at, now)
        self.alerts += len(lives)
        return True

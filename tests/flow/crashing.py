"""`python -m tests.flow.crashing POINT ...`: runs the pipeline and kills itself at a point.

Started by test_crashes. The points lie between the steps from an accepted alert to its message; at
`never` it runs until nothing is left to do.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Final

from tests.flow.rig import Rig, alert, quick_receiver, until
from tocsin.adapters.store import SqlStore, open_store
from tocsin.model.message import Message, MessageRef
from tocsin.model.records import Step
from tocsin.model.workspace import Connection
from tocsin.pipeline import settling
from tocsin.pipeline.ports import Slack

POINTS: Final = (
    "accepted",
    "before the step commits",
    "step committed",
    "attempt committed",
    "posted",
    "before the outcome commits",
    "outcome committed",
    "never",
)


def kill() -> None:
    """End this process as kill -9 does."""
    os.kill(os.getpid(), signal.SIGKILL)


class Killing:
    """Stands before the store and Slack, and kills at `point`."""

    def __init__(self, point: str, store: SqlStore) -> None:
        self._point = point
        self._append, self._commit = store.append, store.commit
        store.append = self.append  # type: ignore[method-assign]
        store.commit = self.commit  # type: ignore[method-assign]
        self.slack: Slack

    async def append(self, kind: str, sender: str, payload: bytes, accepted_at: float) -> None:
        await self._append(kind, sender, payload, accepted_at)
        self._at("accepted")

    async def commit(self, step: Step) -> None:
        if step.done_inbox:
            self._at("before the step commits")
        if step.tallies:
            self._at("before the outcome commits")
        await self._commit(step)
        if step.done_inbox:
            self._at("step committed")
        if step.tallies:
            self._at("outcome committed")

    def wrap(self, slack: Slack) -> Slack:
        """Return a Slack that kills around posts."""
        post = slack.post

        async def killing(
            connection: Connection,
            channel: str,
            message: Message,
            delivery_id: str,
            thread_ts: str = "",
        ) -> MessageRef:
            self._at("attempt committed")
            ref = await post(connection, channel, message, delivery_id, thread_ts)
            self._at("posted")
            return ref

        slack.post = killing  # type: ignore[method-assign]
        return slack

    def _at(self, point: str) -> None:
        if point == self._point:
            kill()


async def run(database: str, slack_url: str, token: str, point: str, pods: Sequence[str]) -> None:
    """Take alerts about `pods` in, and run until they are told, or until the point."""
    settling._LANDING_SECONDS = 0.1  # type: ignore[misc]
    store = await open_store(
        database, max_backlog_bytes=2**30, min_free_bytes=0, decision_seconds=3600
    )
    killing = Killing(point, store)
    rig = Rig(store, slack_url, token)
    rig.wrap = killing.wrap
    async with rig:
        await rig.adopt(quick_receiver("C00ALERTS"))
        for pod in pods:
            await rig.accept(alert(pod))
        await until(lambda: rig.dispatcher.tally("payments/oncall", "C00ALERTS").sent > 0)
        await until(lambda: rig.dispatcher.waiting("payments/oncall", "C00ALERTS") == 0)
        assert store.backlog().rows == 0
    await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("database", "slack_url", "token", "point"):
        parser.add_argument(name)
    parser.add_argument("pods", nargs="*")
    given = parser.parse_args()
    asyncio.run(run(given.database, given.slack_url, given.token, given.point, given.pods))

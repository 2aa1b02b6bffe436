"""Gives the dispatcher a new snapshot soon after resources changed; many changes are one snapshot.

In: `touch` by the reconciler, for each change. Out: `SnapshotSink.adopt`, one call at a time.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Never

import structlog

from tocsin.errors import StoreUnavailable
from tocsin.model.snapshot import Snapshot
from tocsin.pipeline.ports import SnapshotSink

GATHER_SECONDS: Final = 0.02
"""How long the first change waits for others: what is applied together is one snapshot."""
_RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger(__name__)


class SnapshotFeed:
    """Feeds `sink` with what `build` returns; nothing before `open`, since half a picture misleads.

    Routing by half of the receivers would drop signals for good.
    """

    def __init__(self, sink: SnapshotSink, build: Callable[[], Snapshot]) -> None:
        self._sink = sink
        self._build = build
        self._is_open = asyncio.Event()
        self._touched = asyncio.Event()

    def open(self) -> None:
        """Say that the picture is whole: a first snapshot is fed even if it is empty."""
        self._is_open.set()
        self._touched.set()

    def touch(self) -> None:
        """Say that something in the picture changed."""
        self._touched.set()

    async def run(self) -> Never:
        """Feed until cancelled; a sink that cannot store is asked again each second."""
        await self._is_open.wait()
        while True:
            await self._touched.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._touched.clear()
            try:
                await self._sink.adopt(self._build())
            except StoreUnavailable as error:
                _log.warning("changed resources are not in force yet", error=str(error))
                self._touched.set()
                await asyncio.sleep(_RETRY_SECONDS)

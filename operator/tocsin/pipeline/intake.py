"""Takes payloads in: on disk first, then answered for.

Called by the edge with what it has authenticated and checked. The dispatcher reads `in_flight`, to
let intake go before processing, and `refused_at`, to believe no clock after a gap.
"""

import time
from collections.abc import Callable

from tocsin.errors import StoreUnavailable
from tocsin.pipeline.ports import Store, Telemetry


class Intake:
    """Appends payloads to the inbox; `clock` gives seconds since the epoch."""

    def __init__(
        self, store: Store, telemetry: Telemetry, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self.in_flight = 0
        """How many payloads are on their way to the disk."""
        self.refused_at = 0.0
        """When a payload was last turned away, in seconds since the epoch; 0 for never."""

    async def accept(self, kind: str, sender: str, payload: bytes) -> None:
        """Return once `payload` is on disk.

        `kind` names its reader (see `pipeline.readers`), `sender` who posted it, may be empty.
        Errors: StoreUnavailable, and then it must not be answered for.
        """
        accepted_at = self._clock()
        started = time.monotonic()
        self.in_flight += 1
        try:
            await self._store.append(kind, sender, payload, accepted_at)
        except StoreUnavailable:
            self.refuse()
            raise
        finally:
            self.in_flight -= 1
        self._telemetry.accepted(len(payload), time.monotonic() - started)

    def refuse(self) -> None:
        """Note that a payload was turned away: what its sender repeats has not been heard."""
        self.refused_at = self._clock()

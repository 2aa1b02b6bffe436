"""What one app can see of one workspace's channels: listings that are shared, cached and renewed.

In: a connection to list with, and how fresh the answer must be. Out: channels by ID or name. Owned
by `pipeline.channels`. A listing of a large workspace takes minutes at Slack's pace, so nobody
waits for its end: who asks meanwhile is told what is known.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from tocsin.errors import SlackDestinationRejected, SlackError
from tocsin.model.workspace import ChannelInfo, ChannelListing, Connection
from tocsin.pipeline.ports import Slack

LISTED_SECONDS: Final = 600.0
"""How long a listing is good for what it holds."""
MISSED_SECONDS: Final = 60.0
"""Between two listings where something was not found, or Slack did not answer."""
_PATIENCE_SECONDS: Final = 5.0
"""How long after its start a listing is waited for."""
_ASKS_PER_MINUTE: Final = 20
"""Single channels asked about; Slack allows 50 a minute, and delivery needs some."""
_MAX_GUESSES: Final = 50
_MAX_GUESSED_FROM: Final = 500
_NEVER: Final = float("-inf")


class Listing:
    """The public or the private channels. Times are of a monotonic clock, in seconds."""

    __slots__ = ("content", "error", "guesses", "started_at", "task", "tried_at")

    def __init__(self) -> None:
        self.content: ChannelListing | None = None
        self.error = ""
        self.guesses: dict[str, str] = {}
        self.started_at = _NEVER
        self.tried_at = _NEVER
        self.task: asyncio.Task[None] | None = None

    def guess(self, name: str) -> str:
        """Return a channel's name much like `name`, empty for none; bounded work a listing."""
        if self.content is None or len(self.guesses) >= _MAX_GUESSES:
            return self.guesses.get(name, "")
        if name not in self.guesses:
            alike = [
                each
                for each, info in self.content.by_name.items()
                if abs(len(each) - len(name)) <= 2 and not info.is_archived
            ]
            close = get_close_matches(name, alike[:_MAX_GUESSED_FROM], n=1, cutoff=0.75)
            self.guesses[name] = close[0] if close else ""
        return self.guesses[name]


class View:
    """What one app sees of one workspace: two listings, and channels asked about since."""

    def __init__(self, slack: Slack, clock: Callable[[], float]) -> None:
        self._slack = slack
        self._clock = clock
        self.public = Listing()
        self.private = Listing()
        self._asked: dict[str, tuple[ChannelInfo | None, float]] = {}
        self._asks: tuple[float, int] = (_NEVER, 0)

    def find(self, reference: str) -> ChannelInfo | None:
        """Return a channel by its ID or bare name, as last seen."""
        for content in self._contents():
            info = content.by_name.get(reference) or content.by_id.get(reference)
            if info is not None:
                return self._asked[info.id][0] if info.id in self._asked else info
        return self._asked.get(reference, (None, 0.0))[0]

    def named(self, name: str) -> str:
        """Return the ID of the channel with this name, empty where none in use is listed."""
        for content in self._contents():
            info = content.by_name.get(name)
            if info is not None and not info.is_archived:
                return info.id
        return ""

    async def renew(
        self, listings: Sequence[Listing], connection: Connection, older_than_seconds: float
    ) -> None:
        """List anew what is older, or failed a while ago; return when done or after 5 seconds."""
        now = self._clock()
        for listing in listings:
            failed = listing.content is None or listing.error
            limit_seconds = MISSED_SECONDS if failed else older_than_seconds
            if listing.task is None and now - listing.tried_at >= limit_seconds:
                listing.started_at = now
                listing.task = asyncio.create_task(self._list(listing, connection))
        running = [listing for listing in listings if listing.task is not None]
        if running:
            latest = max(listing.started_at for listing in running) + _PATIENCE_SECONDS
            tasks = [listing.task for listing in running if listing.task is not None]
            await asyncio.wait(tasks, timeout=max(0.0, latest - now))

    async def ask(self, channel_id: str, connection: Connection) -> bool:
        """Ask Slack about one channel; False where it did not say, or the budget is spent."""
        now = self._clock()
        since, count = self._asks
        if now - since >= 60:
            since, count = now, 0
        if count >= _ASKS_PER_MINUTE:
            return False
        self._asks = (since, count + 1)
        self._asked[channel_id] = (self.find(channel_id), now)  # so that nobody else asks meanwhile
        try:
            info = await self._slack.channel(connection, channel_id)
        except SlackDestinationRejected:
            self._asked[channel_id] = (None, self._clock())
        except SlackError:
            return False
        else:
            self._asked[channel_id] = (info, self._clock())
        return True

    def age_seconds(self, reference: str, listings: Sequence[Listing]) -> float:
        """Return how old the knowledge of a channel is; infinite where a listing is missing."""
        info = self.find(reference)
        asked_at = self._asked.get(info.id if info else reference, (None, _NEVER))[1]
        listed_at = min(
            listing.tried_at if listing.content is not None else _NEVER for listing in listings
        )
        return self._clock() - max(asked_at, listed_at)

    def _contents(self) -> Iterator[ChannelListing]:
        for listing in (self.public, self.private):
            if listing.content is not None:
                yield listing.content

    async def _list(self, listing: Listing, connection: Connection) -> None:
        try:
            content = await self._slack.channels(connection, listing is self.private)
        except SlackError as error:
            listing.error = str(error)
        else:
            listing.content, listing.error, listing.guesses = content, "", {}
            self._asked = {
                channel_id: known
                for channel_id, known in self._asked.items()
                if known[1] > listing.started_at
            }
        finally:
            listing.tried_at = self._clock()
            listing.task = None

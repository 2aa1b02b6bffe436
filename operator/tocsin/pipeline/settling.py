"""Settling: finding out whether a post arrived whose outcome is unknown.

After a crash or a dropped connection a delivery may be in the channel or not. Where the token can
read history the channel is asked for its delivery ID; elsewhere nobody can know, and it is sent
again. Called by delivery.
"""

import asyncio
import random
import time
from enum import Enum
from typing import Final

from tocsin.errors import SlackCredentialRejected, SlackDestinationRejected, SlackError
from tocsin.model.channels import is_conversation_id
from tocsin.model.group import Attempt, Operation, OutboxEntry
from tocsin.model.message import MessageRef
from tocsin.pipeline.destinations import Destination
from tocsin.pipeline.ports import Slack

_LANDING_SECONDS: Final = 5.0
"""How long after its time-out a post may still appear in the channel."""
_BEFORE_SECONDS: Final = 60.0
"""How far back of the attempt the look-up starts: clocks differ."""
_RETRY_SECONDS: Final = (2.0, 60.0)


class Settled(Enum):
    """What a look-up found where it found no message."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"


def is_unlocated(destination: Destination, entry: OutboxEntry) -> bool:
    """Whether the channel could be read if only its ID were known, as soon after a start it is."""
    return _reads_history(destination) and not is_conversation_id(_channel(destination, entry))


async def settle(
    slack: Slack, destination: Destination, entry: OutboxEntry, attempt: Attempt
) -> MessageRef | Settled:
    """Return where the attempt's message stands, or why there is none to be found.

    Takes as long as it must: a look-up that fails is repeated and never counts as an absence.
    """
    channel = _channel(destination, entry)
    if not is_conversation_id(channel) or not _reads_history(destination):
        return Settled.UNREADABLE
    landed_at = attempt.started_at + destination.connection.timeout_seconds + _LANDING_SECONDS
    await asyncio.sleep(max(0.0, landed_at - time.time()))
    thread = entry.ref.ts if entry.ref and attempt.operation is Operation.REPLY else ""
    pause, longest = _RETRY_SECONDS
    while True:
        try:
            found = await slack.find(
                destination.connection,
                channel,
                attempt.delivery_id,
                attempt.started_at - _BEFORE_SECONDS,
                thread,
            )
        except (SlackCredentialRejected, SlackDestinationRejected):
            return Settled.UNREADABLE
        except SlackError:
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            pause = min(pause * 2, longest)
        else:
            return Settled.ABSENT if found is None else found


def _channel(destination: Destination, entry: OutboxEntry) -> str:
    return entry.ref.channel_id if entry.ref is not None else destination.channel


def _reads_history(destination: Destination) -> bool:
    return any(scope.endswith(":history") for scope in destination.identity.scopes)

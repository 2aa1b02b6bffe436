"""What keeps a SlackConfig from being used, in words for its status."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a workspace is not ready.

    `reason` is one CamelCase word; `message` names the cure and holds no secret. `retry` tells
    whether it may end by itself, so that waiting is worth while.
    """

    reason: str
    message: str
    retry: bool = False

"""How the stand-in refuses a request: raised anywhere, turned into an answer in one place.

Refusal             Slack's error code and what else its answer carries
└── RateLimited     HTTP 429 with Retry-After
BadControl          a control request that makes no sense: HTTP 400 with a sentence
"""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """A request that Slack would answer with `{"ok": false, "error": code}`."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra: Mapping[str, Any] = extra

    @classmethod
    def explained(cls, code: str, messages: list[str]) -> "Refusal":
        """A refusal whose reasons stand in `response_metadata.messages`, as Slack gives them."""
        return cls(
            code,
            errors=messages,
            response_metadata={"messages": [f"[ERROR] {message}" for message in messages]},
        )


class RateLimited(Refusal):
    """Too many requests; `retry_after_seconds` is whole and at least 1."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("ratelimited")
        self.retry_after_seconds = retry_after_seconds


class BadControl(Exception):
    """A control request that makes no sense; the text says why."""

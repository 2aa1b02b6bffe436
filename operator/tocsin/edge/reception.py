"""What every posted request must pass before its content is looked at.

In: a request. Out: its body, or the answer that refuses it. Called by the endpoints that take
signals. Bounds: who, which media type, how large, how slow, and how much at once in memory.
"""

import asyncio
from typing import Final

from aiohttp import web

from tocsin.edge import answers
from tocsin.edge.authentication import Authentication

_READ_TIMEOUT_SECONDS: Final = 30.0
_BODIES_AT_ONCE: Final = 4
"""How many bodies of the largest size may be in memory together."""


class Reception:
    """Authenticates requests and reads their bodies; of at most `max_body_bytes` each."""

    def __init__(
        self,
        authentication: Authentication,
        max_body_bytes: int,
        read_timeout_seconds: float = _READ_TIMEOUT_SECONDS,
    ) -> None:
        self._authentication = authentication
        self._max_body_bytes = max_body_bytes
        self._read_timeout_seconds = read_timeout_seconds
        self._held_bytes = 0

    async def receive(self, request: web.BaseRequest) -> bytes | web.Response:
        """Return the body, to be given to `release` once it has been answered for."""
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        try:
            async with asyncio.timeout(self._read_timeout_seconds):
                return await self._read(request)
        except TimeoutError:
            return answers.last_problem(408, "the body did not arrive in time")
        except (web.RequestPayloadError, ConnectionError):
            return answers.last_problem(400, "the body ended early or is not encoded as announced")

    def release(self, body: bytes) -> None:
        """Let go of a body's share of the memory for bodies."""
        self._held_bytes -= len(body)

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        headers = request.headers
        if not self._authentication.allows(headers.get("Authorization", "")):
            return answers.problem(
                401,
                'the ingest token is wanted in the header "Authorization: Bearer <token>"',
                headers={"WWW-Authenticate": "Bearer"},
            )
        media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            named = media_type or "application/octet-stream"
            wrong = f'unsupported media type "{named}", only [application/json] are allowed'
            return answers.problem(415, wrong)
        encoding = headers.get("Content-Encoding", "identity").lower()
        if encoding != "identity":
            return answers.problem(415, f'unsupported content encoding "{encoding}", send it plain')
        if (request.content_length or 0) > self._max_body_bytes:
            return self._too_large()
        return None

    async def _read(self, request: web.BaseRequest) -> bytes | web.Response:
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        chunks: list[bytes] = []
        size = 0
        body: bytes | None = None
        try:
            while chunk := await request.content.readany():
                size += len(chunk)
                self._held_bytes += len(chunk)
                if size > self._max_body_bytes:
                    return self._too_large()
                if self._held_bytes > _BODIES_AT_ONCE * self._max_body_bytes:
                    return answers.busy("too many large bodies are arriving at once")
                chunks.append(chunk)
            body = b"".join(chunks)
            return body
        finally:
            if body is None:
                self._held_bytes -= size

    def _too_large(self) -> web.Response:
        return answers.last_problem(
            413, f"the body is larger than {self._max_body_bytes} bytes; post fewer alerts at once"
        )

"""What slack-sdk is given for its aiohttp session: bounded, direct, and one pool for all.

In: slack-sdk's requests. Out: answers that are JSON objects of bounded size; anything else is
`UnreadableAnswer`. slack-sdk uses two names of a session, `closed` and `request`, and passes no
time limit, no limit of size and no word on redirects; all three are added here. Built and used by
`adapters.slack_client`.
"""

from contextlib import AbstractAsyncContextManager
from ssl import SSLContext
from typing import Any, Final

import aiohttp
import msgspec
from yarl import URL

MAX_ANSWER_BYTES: Final = 16 * 2**20
"""A page of 200 messages with full blocks comes to 8 MB."""

_CONNECTING_SHARE: Final = 0.8
"""Of the time for a call; later than this, a time-out no longer proves that nothing was sent."""


class UnreadableAnswer(Exception):
    """An answer that is not Slack's; `problem` says in which way, for people."""

    def __init__(self, status: int, retry_after: str, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.retry_after = retry_after
        self.problem = problem


class _Answer(aiohttp.ClientResponse):
    """A response that is read as a JSON object of bounded size, or not at all.

    slack-sdk asks for `text` or `read` by the answer's content type; the Web API has no answers
    of these types, and slack-sdk trips over them.
    """

    async def json(self, **_options: Any) -> Any:
        """Read and decode the body; raises UnreadableAnswer."""
        chunks: list[bytes] = []
        size = 0
        async for chunk in self.content.iter_any():
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                self.close()
                raise self._unreadable(f"is larger than {MAX_ANSWER_BYTES} bytes")
            chunks.append(chunk)
        try:
            content = msgspec.json.decode(b"".join(chunks))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise self._unreadable("is not a JSON object")
        return content

    async def text(self, *_arguments: Any, **_options: Any) -> str:
        """Raise UnreadableAnswer."""
        raise self._unreadable("is plain text")

    async def read(self) -> bytes:
        """Raise UnreadableAnswer."""
        raise self._unreadable("is not a JSON object")

    def _unreadable(self, problem: str) -> UnreadableAnswer:
        return UnreadableAnswer(self.status, self.headers.get("Retry-After", ""), problem)


def open_pool() -> aiohttp.ClientSession:
    """Return the session that holds all connections; call it inside the event loop.

    Callers bound how many calls there are at once: to wait here for a connection would count
    towards a call's time.

    Idle connections are kept for 15 seconds, less than any server keeps them, so that a post does
    not run into one that is just being closed (nobody could tell whether that post was accepted).
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15),
        cookie_jar=aiohttp.DummyCookieJar(),
        response_class=_Answer,
    )


class Route:
    """The session of one SlackConfig's client: where its calls go, over the shared pool.

    Stands in for `aiohttp.ClientSession` with slack-sdk. Methods are resolved here, against
    `api_url`, because slack-sdk would join URLs anew with each call.
    """

    def __init__(
        self,
        pool: aiohttp.ClientSession,
        api_url: str,
        timeout_seconds: float,
        tls: SSLContext,
        proxy_url: str,
    ) -> None:
        self._pool = pool
        self._api_url = URL(api_url)
        self._urls: dict[str, URL] = {}
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_seconds, connect=timeout_seconds * _CONNECTING_SHARE
        )
        self._tls = tls
        self._proxy_url = proxy_url or None

    closed: Final = False  # if it said True, slack-sdk would open a session of its own

    def request(
        self,
        verb: str,
        method: str,
        *,
        headers: dict[str, str],
        params: dict[str, str] | None,
        json: dict[str, Any] | None,
        **_ignored: Any,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a call of a Web API method; what else slack-sdk passes is decided here instead."""
        url = self._urls.get(method)
        if url is None:
            url = self._urls[method] = self._api_url.join(URL(method))
        return self._pool.request(
            verb,
            url,
            params=params,
            data=None if json is None else msgspec.json.encode(json),
            headers=headers,
            ssl=self._tls,
            proxy=self._proxy_url,
            timeout=self._timeout,
            allow_redirects=False,
        )

"""Calls methods of Slack's Web API through slack-sdk, for all workspaces over one pool.

In: a connection, a method's name and its arguments. Out: Slack's answer, or an error of
`tocsin.errors`. Called by `adapters.slack`. slack-sdk's own error holds the request with its token,
so it never leaves this module, nor is it chained to what does.
"""

import logging
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from yarl import URL

from tocsin.adapters.proxies import proxy_for
from tocsin.adapters.slack_errors import Refusal, failed, refused
from tocsin.adapters.slack_session import Route, UnreadableAnswer, open_pool
from tocsin.errors import SlackError, SlackPayloadRejected, SlackTransient
from tocsin.model.workspace import Connection

_KEPT_CLIENTS: Final = 128


class SlackClient:
    """Keeps the connections; make it inside the event loop, close it at the end.

    `proxies` are as `adapters.proxies` takes them; a connection's own proxy goes before them.
    """

    def __init__(self, proxies: Mapping[str, str]) -> None:
        self._proxies = proxies
        self._pool = open_pool()
        self._system_tls = ssl.create_default_context()
        self._sdk_client = lru_cache(_KEPT_CLIENTS)(self._build)
        # slack-sdk writes a debug text of each request unless its logger itself has a level.
        self._logger = logging.getLogger("tocsin.slack_sdk")
        self._logger.setLevel(logging.INFO)

    async def post(
        self, connection: Connection, method: str, arguments: dict[str, Any]
    ) -> AsyncSlackResponse:
        """Call a method with a JSON body."""
        return await self._call(connection, method, "POST", json=arguments)

    async def get(
        self, connection: Connection, method: str, arguments: dict[str, str]
    ) -> AsyncSlackResponse:
        """Call a reading method; not all of them take JSON."""
        return await self._call(connection, method, "GET", params=arguments)

    async def close(self) -> None:
        """Close all connections; calls from now on raise SlackTransient."""
        await self._pool.close()

    async def _call(
        self, connection: Connection, method: str, verb: str, **arguments: Any
    ) -> AsyncSlackResponse:
        """Call a method once. What it raises knows nothing of the request."""
        host = URL(connection.api_url).host or ""
        error: SlackError
        if self._pool.closed:
            raise SlackTransient("stopping", "the operator is stopping")
        try:
            client = self._sdk_client(connection)
            return await client.api_call(method, http_verb=verb, **arguments)
        except SlackApiError as raised:
            answer = raised.response
            retry_after = answer.headers.get("Retry-After", "")
            error = refused(method, host, Refusal(answer.status_code, answer.data, retry_after))
        except UnreadableAnswer as raised:
            refusal = Refusal(raised.status, {}, raised.retry_after, raised.problem)
            error = refused(method, host, refusal)
        except UnicodeEncodeError:
            error = SlackPayloadRejected("not_unicode", "the message is not valid Unicode")
        except (aiohttp.ClientError, OSError, RuntimeError) as raised:
            error = failed(method, host, raised)
        raise error  # outside of the handlers, so that what they caught is not its context

    def _build(self, connection: Connection) -> AsyncWebClient:
        route = Route(
            self._pool,
            connection.api_url,
            connection.timeout_seconds,
            connection.ca or self._system_tls,
            connection.proxy_url or proxy_for(URL(connection.api_url), self._proxies),
        )
        client = AsyncWebClient(
            token=connection.token.reveal(),
            session=cast("aiohttp.ClientSession", route),
            retry_handlers=[],
            user_agent_prefix="tocsin",
            logger=self._logger,
        )
        client.base_url = ""  # the route knows it
        return client

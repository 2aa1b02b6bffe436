"""Waiting for what takes its time: a server that is starting, or anything else with a deadline."""

import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError

_TIMEOUT_SECONDS = 2
_POLL_SECONDS = 0.05


def answers(url: str, *, token: str = "", ca_file: Path | None = None) -> bool:
    """True where a GET of `url` is answered 200; False for any other answer.

    `token` goes as a bearer token, `ca_file` is what an https server is checked against. OSError
    where nothing listens or the time-out of 2 s passes. Proxies of the environment are not used.
    """
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if context:
        handlers.append(urllib.request.HTTPSHandler(context=context))
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=_TIMEOUT_SECONDS) as got:
            return bool(got.status == 200)
    except urllib.error.HTTPError:
        return False


def wait_until(condition: Callable[[], bool], what: str, timeout_seconds: float = 30) -> None:
    """Returns once `condition()` is true; LabError that says `what` was awaited if it is late."""
    deadline_seconds = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline_seconds:
            raise LabError(f"waited {timeout_seconds:.0f} s in vain for {what}")
        time.sleep(_POLL_SECONDS)

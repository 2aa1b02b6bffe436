"""Who may post signals: bearers of the ingest token, or anyone where a setting says so by name.

Asked by `edge.reception` before it reads a body.
"""

import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

import structlog

from tocsin.errors import SettingsInvalid

_LOOK_AGAIN_SECONDS: Final = 2.0

_log = structlog.get_logger(__name__)

_FileState = tuple[int, int, int]


class Authentication(Protocol):
    """Decides by a request's `Authorization` header."""

    def allows(self, authorization: str) -> bool:
        """Whether the bearer of this header (empty: it has none) may post."""
        ...


class Anyone:
    """`TOCSIN_INGEST_AUTH=none`: the network decides who may post (see the NetworkPolicy)."""

    def allows(self, authorization: str) -> bool:  # noqa: ARG002 - as every Authentication
        """Return True."""
        return True


class BearerTokens:
    """The tokens of a file, one a line, all valid; blank lines and surrounding space do not count.

    The file is looked at again at most every 2 s, so a rotated Secret counts without a restart.
    While it cannot be read, or holds no token, the last tokens stay valid, and a log line says so.
    Only digests are kept. Errors: SettingsInvalid where there is no token to begin with.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._look_again_at = clock() + _LOOK_AGAIN_SECONDS
        try:
            self._state, self._digests = _read(file)
        except (OSError, ValueError) as error:
            raise SettingsInvalid(
                f"TOCSIN_INGEST_TOKEN_FILE: {error}; mount a Secret there, "
                "or set TOCSIN_INGEST_AUTH=none to let anyone post"
            ) from None

    def allows(self, authorization: str) -> bool:
        """Whether `authorization` is `Bearer` and a valid token; takes the same time for each."""
        if self._clock() >= self._look_again_at:
            self._look_again()
        scheme, _, token = authorization.partition(" ")
        presented = _digest(token.strip().encode("utf-8", "surrogateescape"))
        matches = [hmac.compare_digest(presented, digest) for digest in self._digests]
        return scheme.lower() == "bearer" and any(matches)

    def _look_again(self) -> None:
        self._look_again_at = self._clock() + _LOOK_AGAIN_SECONDS
        try:
            if _state_of(self._file) != self._state:
                self._state, self._digests = _read(self._file)
                _log.info("ingest tokens read anew", tokens=len(self._digests))
        except (OSError, ValueError) as error:
            _log.warning("ingest tokens not read, the last ones stay valid", error=str(error))


def _state_of(file: Path) -> _FileState:
    found = file.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(file: Path) -> tuple[_FileState, tuple[bytes, ...]]:
    state = _state_of(file)  # first: a change while reading is then seen at the next look
    tokens = [line.strip() for line in file.read_bytes().splitlines()]
    digests = tuple(_digest(token) for token in tokens if token)
    if not digests:
        raise ValueError(f"{file} holds no token")
    return state, digests


def _digest(token: bytes) -> bytes:
    return sha256(token).digest()

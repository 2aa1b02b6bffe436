"""The journal: one JSON line for each request that reached the stand-in, whatever came of it.

Comes in: an `Entry` for each request, from `web_api` and `webhooks`. Goes out: a file that tests
and fault runs read with `read_journal` to count losses and duplicates.
"""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

FLUSH_INTERVAL_SECONDS: Final = 0.05
READ_CHUNK_BYTES: Final = 1 << 16
TOKEN_DIGEST_BYTES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request and its answer.

    `at` is in epoch seconds. `method` is the Web API method, or `webhook`. `answer` is `ok`
    (accepted, whether or not the client heard so), Slack's error code, `http 503` and the like for
    an injected status, or `dropped` or `unanswered` for a request that was neither accepted nor
    answered. `status` is the HTTP status, 0 where no answer was sent. `asked` is the channel as the
    request named it, `channel` the ID found for it. `token` is a short hash, never the token.
    `fault` is the kind of the injected fault. Text fields are empty where they do not apply;
    content is as the request gave it.
    """

    at: float
    method: str
    answer: str
    status: int
    duration_seconds: float
    token: str = ""
    team: str = ""
    channel: str = ""
    asked: str = ""
    ts: str = ""
    thread_ts: str = ""
    fault: str = ""
    text: str | None = None
    blocks: Any = None
    attachments: Any = None
    metadata: Any = None
    reply_broadcast: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the request took effect, heard of by the client or not."""
        return self.answer == "ok"


class Journal:
    """Appends entries to a file, at the latest 50 ms after they were recorded."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending, in a running event loop or before one.

        A last line that an earlier process did not finish is cut off.
        """
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._buffer = bytearray()
        self._encoder = msgspec.json.Encoder()
        _cut_unfinished_line(self._file)

    def record(self, entry: Entry) -> None:
        """Take an entry; the first one after a flush starts the timer of the next."""
        if not self._buffer:
            asyncio.get_running_loop().call_later(FLUSH_INTERVAL_SECONDS, self.flush)
        self._encoder.encode_into(entry, self._buffer, -1)
        self._buffer.append(0x0A)

    def flush(self) -> None:
        """Write what is buffered. Does nothing when nothing is, or after `close`."""
        pending, self._buffer = self._buffer, bytearray()
        written = 0
        while written < len(pending):
            written += os.write(self._file, memoryview(pending)[written:])

    def clear(self) -> None:
        """Forget all entries, those on the file too."""
        self._buffer = bytearray()
        os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        os.close(self._file)


def fingerprint(token: str) -> str:
    """A short hash that tells tokens apart in the journal and gives none of them away."""
    if not token:
        return ""
    return hashlib.blake2b(token.encode(), digest_size=TOKEN_DIGEST_BYTES).hexdigest()


def read_journal(path: Path) -> list[Entry]:
    """All entries of the journal, in the order in which they were answered.

    Errors: ValueError with the line's number for a line that is no entry. A last line without its
    newline is still being written and is left out.
    """
    return list(iter_journal(path))


def iter_journal(path: Path) -> Iterator[Entry]:
    """The entries of a journal too large to hold at once; otherwise as `read_journal`."""
    decode = msgspec.json.Decoder(Entry).decode
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decode(line)
            except msgspec.DecodeError as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from error


def _cut_unfinished_line(file: int) -> None:
    """Shorten the file to end with its last newline; a file without one becomes empty."""
    end = size = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - READ_CHUNK_BYTES)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end != size:
        os.ftruncate(file, end)

"""A sink: the least that can be taken for Slack, so that it does not limit what is measured.

`python -m bench.sink --ready-file FILE` answers Slack's Web API as the operator calls it, and any
other POST with `ok`, as an incoming webhook does, which is how an Alertmanager posts. It looks into
no message but for the group's name and the channel. `GET /arrivals` tells what came when, `GET
/count` how many posts. It has no limits and checks nothing: `lab.slack` is for that.
"""

import argparse
import asyncio
import re
import time
from pathlib import Path
from typing import Final

import msgspec

from bench.payloads import GROUP_NAME

CHANNELS: Final = 64
TOKEN: Final = "xoxb-bench-sink"

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_GROUP: Final = re.compile(GROUP_NAME.encode() + rb"(\d+)")
_CHANNEL: Final = re.compile(rb'"channel": ?"([^"]*)"')
_SCOPES: Final = "chat:write,chat:write.public,channels:read,groups:read,channels:history"


class Arrival(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A post or an edit: when it came (seconds since the epoch), where to, of which group.

    `method` is that of Slack's Web API, or `webhook`; `channel` a name; `group` -1 where none is
    named.
    """

    at: float
    method: str
    channel: str
    group: int


class Recorder:
    """What has come so far."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self._posts = 0

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the answer to a request, as it goes over the wire."""
        path = head.split(b" ", 2)[1].partition(b"?")[0].decode()
        method = path.rpartition("/")[2]
        if method in ("chat.postMessage", "chat.update"):
            return self._message(method, body)
        if method == "arrivals":
            return _response(msgspec.json.encode(self.arrivals))
        if method == "count":
            return _response(msgspec.json.encode(self._posts))
        if method in _ANSWERS:
            return _response(_ANSWERS[method], f"X-OAuth-Scopes: {_SCOPES}\r\n")
        self._record("webhook", body)
        return _response(b"ok")

    def _message(self, method: str, body: bytes) -> bytes:
        channel = self._record(method, body)
        ts = f"{1_700_000_000 + len(self.arrivals) // 1000}.{len(self.arrivals) % 1000:06d}"
        return _response(f'{{"ok":true,"channel":"{_IDS[channel]}","ts":"{ts}"}}'.encode())

    def _record(self, method: str, body: bytes) -> str:
        group, channel = _GROUP.search(body), _CHANNEL.search(body)
        asked = channel[1].decode().removeprefix("#") if channel else ""
        name = _NAMES.get(asked, asked)
        number = int(group[1]) if group else -1
        self.arrivals.append(Arrival(time.time(), method, name, number))
        self._posts += 1
        return name


class _Connection(asyncio.Protocol):
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self._received:
            head, end, rest = self._received.partition(_HEAD_END)
            if not end:
                return
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self._received = rest[size:]
            assert self._transport is not None
            self._transport.write(self._recorder.answer(head, rest[:size]))


def channel_name(number: int) -> str:
    """Return the name of one of the sink's channels, 0 to 63."""
    return f"sink-{number:03d}"


def _channel_id(number: int) -> str:
    return f"C0SINK{number:04d}"


def _response(body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}"
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def _channel(number: int) -> dict[str, object]:
    names = {"id": _channel_id(number), "name": channel_name(number)}
    return {**names, "is_member": True, "is_channel": True}


_NAMES: Final = {_channel_id(number): channel_name(number) for number in range(CHANNELS)}
_IDS: Final = {name: identity for identity, name in _NAMES.items()}


_IDENTITY: Final = {
    "ok": True,
    "team_id": "T0SINK",
    "team": "sink",
    "user_id": "U0SINK",
    "user": "tocsin",
    "bot_id": "B0SINK",
    "url": "https://sink.example/",
}
_LISTING: Final = {
    "ok": True,
    "channels": [_channel(number) for number in range(CHANNELS)],
    "response_metadata": {"next_cursor": ""},
}
_NOTHING: Final = {"ok": True, "messages": [], "has_more": False}
_ANSWERS: Final = {
    "auth.test": msgspec.json.encode(_IDENTITY),
    "conversations.list": msgspec.json.encode(_LISTING),
    "conversations.info": msgspec.json.encode({"ok": True, "channel": _channel(0)}),
    "conversations.history": msgspec.json.encode(_NOTHING),
    "conversations.replies": msgspec.json.encode(_NOTHING),
}


async def _serve(ready_file: Path) -> None:
    recorder = Recorder()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(recorder), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    partial = ready_file.with_suffix(".partial")
    partial.write_text(f"http://127.0.0.1:{port}")
    partial.rename(ready_file)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m bench.sink", description=__doc__)
    parser.add_argument("--ready-file", type=Path, required=True)
    asyncio.run(_serve(parser.parse_args().ready_file))


if __name__ == "__main__":
    main()

"""How many posts a second the Slack stand-in takes: one core for it, another process as load.

`python bench/bench_standin.py` starts the stand-in without limits, posts messages of about 2 KB
from 64 connections, and prints posts a second: by the clock, and by the stand-in's CPU time, which
is what one core of its own would do. It exits with 1 if the latter is below `--floor`.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent
TOKEN: Final = "xoxb-lab-acme-full"
CHANNELS: Final = ("C00ALERTS", "C0PLATFORM", "C0ROLLOUTS", "C0GENERAL")
READY_SECONDS: Final = 20
HEAD_END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length: "


def main() -> int:
    """Run the measurement; exit code 0 if the floor was reached."""
    parser = argparse.ArgumentParser(description=__doc__, prog="bench_standin")
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--floor", type=float, default=2_000, help="posts a second that are enough")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        ready_file = Path(folder) / "ready"
        server = _start(Path(folder), ready_file, cores[0])
        try:
            url = _wait_for(ready_file, server)
            os.sched_setaffinity(0, {cores[-1]})
            idle_cpu_seconds = _cpu_seconds(server.pid)
            posts_per_second = asyncio.run(_measure(url, options.posts, options.connections))
            cpu_seconds = _cpu_seconds(server.pid) - idle_cpu_seconds
        finally:
            server.terminate()
            server.wait()
        journaled = (Path(folder) / "journal").read_bytes().count(b"\n")
    body_bytes = len(_body(CHANNELS[0], 0))
    print(
        f"stand-in: {posts_per_second:,.0f} posts a second, "
        f"{options.posts / cpu_seconds:,.0f} a second of CPU "
        f"({options.posts:,} posts of {body_bytes:,} bytes, {options.connections} connections, "
        f"one core; {journaled:,} lines in the journal)"
    )
    is_enough = options.posts / cpu_seconds >= options.floor
    return 0 if is_enough and journaled == options.posts else 1


def _start(folder: Path, ready_file: Path, core: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lab.slack", "--no-limits"]
    command += ["--journal", str(folder / "journal"), "--ready-file", str(ready_file)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    os.sched_setaffinity(server.pid, {core})
    return server


def _wait_for(ready_file: Path, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while not ready_file.exists():
        if server.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the stand-in did not start")
        time.sleep(0.02)
    return ready_file.read_text(encoding="utf-8").strip()


def _cpu_seconds(pid: int) -> float:
    """The CPU time a process has used, in user and kernel mode (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _measure(url: str, posts: int, connections: int) -> float:
    """Posts a second over all connections, each sending its next post when the last is answered."""
    host, _, port = urlsplit(url).netloc.partition(":")
    queue = [_request(CHANNELS[number % len(CHANNELS)], number) for number in range(posts)]
    loop = asyncio.get_running_loop()
    clients = [Client(queue, loop.create_future()) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(partial(_same, client), host, int(port))
    started = time.perf_counter()
    for client in clients:
        client.send_next()
    await asyncio.gather(*(client.finished for client in clients))
    return posts / (time.perf_counter() - started)


def _same(client: "Client") -> "Client":
    return client


class Client(asyncio.Protocol):
    """One connection that posts what is in the queue until it is empty."""

    def __init__(self, queue: list[bytes], finished: "asyncio.Future[None]") -> None:
        self.finished = finished
        self._queue = queue
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def send_next(self) -> None:
        """Post the next message, or finish."""
        assert self._transport
        if self._queue:
            self._transport.write(self._queue.pop())
        else:
            self._transport.close()
            self.finished.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer; once it is whole, check it and go on."""
        self._received += data
        head, end, body = self._received.partition(HEAD_END)
        if not end:
            return
        start = head.lower().index(LENGTH) + len(LENGTH)
        length = int(head[start:].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        if not body.startswith(b'{"ok":true'):
            self.finished.set_exception(RuntimeError(body[:200].decode()))
            return
        self._received = b""
        self.send_next()


def _request(channel: str, number: int) -> bytes:
    body = _body(channel, number)
    head = (
        "POST /api/chat.postMessage HTTP/1.1\r\nHost: standin\r\n"
        f"Authorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json;charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _body(channel: str, number: int) -> bytes:
    """A post as an operator for alerts sends it, about 2 KB."""
    line = {"type": "mrkdwn", "text": f"*instance*\nnode-{number}.cluster.example:9100"}
    summary = "The 99th percentile of request latency has been above its objective. " * 6
    attachment: dict[str, Any] = {
        "color": "#d9222a",
        "fallback": "KubeAPILatencyHigh",
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": summary}},
            {"type": "section", "fields": [line] * 8},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "3 of 12 alerts shown"}]},
        ],
    }
    title = f":red_circle: KubeAPILatencyHigh ({number} firing)"
    message = {
        "channel": channel,
        "text": title,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}},
            {"type": "section", "text": {"type": "mrkdwn", "text": summary[:300]}},
        ],
        "attachments": [attachment],
        "metadata": {"event_type": "delivery", "event_payload": {"id": f"{number:032x}"}},
    }
    return json.dumps(message).encode()


if __name__ == "__main__":
    sys.exit(main())

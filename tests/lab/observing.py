"""What the lab's own tests look at from outside: processes, sockets, and HTTP requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_LISTENING = "0A"  # the state LISTEN in /proc/net/tcp


@dataclass(slots=True)
class Request:
    """One HTTP request as it arrived, its body decoded from JSON."""

    path: str
    authorization: str | None
    body: Any


@dataclass(slots=True)
class Recorder:
    """An HTTP server that answers 200 to every POST and keeps it."""

    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def recorder() -> Iterator[Recorder]:
    """A Recorder on a free loopback port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            recorded.requests.append(Request(self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorded = Recorder(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield recorded
        finally:
            server.shutdown()
            thread.join()


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is not yet reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def children(pid: int) -> set[int]:
    """The pids of a process's children, whichever of its threads made them."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for file in listed for child in file.read_text().split()}


def listening_addresses(pids: set[int]) -> set[str]:
    """The addresses, in the kernel's hexadecimal, on which these processes listen for TCP."""
    sockets = {link.readlink().name for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == _LISTENING and f"socket:[{inode}]" in sockets:
                found.add(local.partition(":")[0])
    return found


LOOPBACK = "0100007F"  # 127.0.0.1, as the kernel writes it on a little-endian machine

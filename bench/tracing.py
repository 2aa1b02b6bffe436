"""A trace of system calls: what is answered with 2xx was synced to disk before.

In: the operator under strace, on SQLite or on PostgreSQL, and a few single posts. Out: violations,
none where for each post the bytes of its alert were written, that file was synced, and only then
the answer was sent. A `kill -9` cannot show this: the kernel keeps what a process has written.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bench import payloads
from bench.load import Target, drive
from bench.measuring import wait_for
from bench.report import say
from bench.rig import Rig, token
from lab import tools
from lab.errors import LabError
from lab.postgres import Postgres
from lab.process import Child, Command

_POSTS: Final = 5
_LEASE_SECONDS: Final = 60.0
_CALLS: Final = "read,recvfrom,recvmsg,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync"
_FLAGS: Final = ("-f", "-y", "-ttt", "-T", "-s", "16384", "-e", f"trace={_CALLS}")
_WAIT_SECONDS: Final = 30.0

_READS: Final = frozenset({"read", "recvfrom", "recvmsg"})
_WRITES: Final = frozenset({"write", "writev", "pwrite64", "pwritev"})
_SENDS: Final = frozenset({"write", "writev", "sendto", "sendmsg"})
_SYNCS: Final = frozenset({"fsync", "fdatasync"})
_ANSWER: Final = "HTTP/1.1 200"

_LINE: Final = re.compile(r"(?P<pid>\d+) +(?P<at>\d+\.\d+) (?P<call>.*)")
_RESUMED: Final = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
_UNFINISHED: Final = " <unfinished ...>"
_CALL: Final = re.compile(
    r"(?P<name>\w+)\((?P<file>[^,)]*)(?P<rest>.*)\) += (?P<result>-?\d+).*<(?P<seconds>[\d.]+)>$"
)


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A call that has returned; times in seconds since the epoch.

    `file` is its descriptor with what that stands for, `data` the rest of its arguments.
    """

    began_at: float
    ended_at: float
    name: str
    file: str
    data: str
    result: int


def parse_trace(lines: Iterable[str]) -> Iterator[SystemCall]:
    """Yield the calls of a log of `strace -f -y -ttt -T`, in the order in which they returned."""
    begun: dict[str, tuple[float, str]] = {}
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        pid, at, text = found["pid"], float(found["at"]), found["call"]
        if text.endswith(_UNFINISHED):
            begun[pid] = (at, text.removesuffix(_UNFINISHED))
            continue
        resumed = _RESUMED.match(text)
        if resumed is not None and pid in begun:
            at, start = begun.pop(pid)
            text = start + resumed["rest"]
        call = _CALL.match(text)
        if call is not None:
            seconds = float(call["seconds"])
            data = call["rest"]
            yield SystemCall(
                at, at + seconds, call["name"], call["file"], data, int(call["result"])
            )


def unsynced(calls: Sequence[SystemCall], identities: Sequence[str]) -> list[str]:
    """Return what is wrong with the answers to single posts, one alert each, made one by one."""
    found = []
    for identity in identities:
        asked = _first(calls, _READS, identity, 0.0)
        if asked is None:
            found.append(f"the trace shows no request with alert {identity}")
            continue
        answered = _first(calls, _SENDS, _ANSWER, asked.ended_at)
        if answered is None:
            found.append(f"the trace shows no answer to the post of alert {identity}")
        elif not _is_synced(calls, identity, answered.began_at):
            found.append(f"alert {identity} was answered for before it was synced to disk")
    return found


def _is_synced(calls: Iterable[SystemCall], identity: str, before: float) -> bool:
    """Whether a file was written with these bytes and then synced, all before a time."""
    written: dict[str, float] = {}
    for call in sorted(calls, key=lambda call: call.began_at):
        if call.name in _WRITES and identity in call.data and "socket:" not in call.file:
            written.setdefault(_path(call.file), call.ended_at)
        is_sync = call.name in _SYNCS and call.result == 0 and call.ended_at <= before
        if is_sync and written.get(_path(call.file), before) <= call.began_at:
            return True
    return False


def _first(
    calls: Iterable[SystemCall], names: frozenset[str], text: str, after: float
) -> SystemCall | None:
    matching = (
        call
        for call in calls
        if call.name in names and text in call.data and call.began_at >= after
    )
    return min(matching, key=lambda call: call.began_at, default=None)


def _path(file: str) -> str:
    """The path out of `12</data/tocsin.db-wal>`: other processes have other descriptors for it."""
    return file.partition("<")[2]


def trace_run(site: Rig, postgres: Postgres | None) -> list[str]:
    """Trace an operator on SQLite, or on a PostgreSQL and that as well; return violations."""
    name = "trace-postgres" if postgres is not None else "trace-sqlite"
    folder = site.folder / name
    folder.mkdir()
    logs = [folder / "operator.strace"]
    strace = tools.strace()
    prefix = (str(strace.program), *_FLAGS, "-o", str(logs[0]))
    url = postgres.create_database("trace") if postgres is not None else ""
    server = _traced_postgres(url, folder) if url else None
    operator = site.operator(
        name, ["http://127.0.0.1:9"], strace.environment(), database_url=url, prefix=prefix
    )
    operator.start()
    try:
        identities = asyncio.run(_post(Target(operator.url, token())))
    finally:
        _end_traced(operator.pid)
        operator.stop()
        if server is not None:
            server.stop()
            logs.append(folder / "postgres.strace")
    calls = [
        call for log in logs for call in parse_trace(log.read_text(errors="replace").splitlines())
    ]
    violations = unsynced(calls, identities)
    syncs = sum(call.name in _SYNCS for call in calls)
    say(
        f"faults: {name}: {len(identities)} posts, {syncs} syncs to disk, "
        f"{len(violations)} answers without one before"
    )
    return [f"{name}: {violation}" for violation in violations]


async def _post(target: Target) -> list[str]:
    """Post alerts one by one, each when the one before was answered; return their identities."""
    identities = [f"{number:03d}x9999" for number in range(_POSTS)]
    bodies = [
        payloads.body_of([payloads.alert(number, identity, "info").template()])
        for number, identity in enumerate(identities)
    ]
    now = time.time()

    def body_of(number: int) -> bytes:
        return payloads.ending(payloads.started(bodies[number], now), now + _LEASE_SECONDS)

    outcome = await drive(target, _POSTS, body_of, connections=1)
    if outcome.refusals:
        raise LabError(f"posts under the trace were refused: {dict(outcome.refusals)}")
    return identities


def _traced_postgres(url: str, folder: Path) -> Child:
    """Attach a trace to a PostgreSQL server, and so to the processes of connections yet to come."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        data = Path(str(connection.scalar(sa.text("SHOW data_directory"))))
    pid = (data / "postmaster.pid").read_text().split()[0]
    strace = tools.strace()
    log, said = folder / "postgres.strace", folder / "strace.log"
    arguments: list[str | Path] = [strace.program, *_FLAGS, "-o", log, "-p", pid]
    child = Child(Command(arguments, strace.environment()), said)
    child.wait_until(lambda: "attached" in said.read_text())
    return child


def _end_traced(strace_pid: int) -> None:
    """End what strace runs: strace itself ignores SIGTERM, and ends when that has ended."""
    children = Path(f"/proc/{strace_pid}/task/{strace_pid}/children")
    for pid in children.read_text().split():
        os.kill(int(pid), signal.SIGTERM)
    wait_for(lambda: not children.exists() or not children.read_text(), _WAIT_SECONDS)

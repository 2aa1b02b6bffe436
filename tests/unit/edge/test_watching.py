"""The supervisor of kopf, with kopf itself replaced."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import kopf
import pytest
from structlog.testing import capture_logs

from tocsin.edge import watching
from tocsin.edge.watching import CappedBackoff, Watching, settings
from tocsin.model.object_key import Kind

Operator = Callable[..., Awaitable[None]]
BODY = {"metadata": {"name": "ops", "namespace": "monitoring"}}


class Observer:
    """Records events, and on which thread they came."""

    def __init__(self) -> None:
        self.rewatch = asyncio.Event()
        self.events: list[tuple[Kind, str | None, Mapping[str, Any]]] = []
        self.threads: set[threading.Thread] = set()
        self.told = asyncio.Event()

    def observe(self, kind: Kind, change: str | None, body: Mapping[str, Any]) -> None:
        self.events.append((kind, change, body))
        self.threads.add(threading.current_thread())
        self.told.set()

    async def heard(self, count: int) -> None:
        """Returns once there were that many events."""
        while len(self.events) < count:
            self.told.clear()
            await self.told.wait()


@asynccontextmanager
async def _watching(
    monkeypatch: pytest.MonkeyPatch, operator: Operator
) -> AsyncIterator[tuple[Observer, asyncio.Task[None]]]:
    monkeypatch.setattr(kopf, "operator", operator)
    monkeypatch.setattr(watching, "_RESTART_SECONDS", (0.001, 0.002))
    observer = Observer()
    task: asyncio.Task[None] = asyncio.create_task(Watching(observer, None).run())
    try:
        async with asyncio.timeout(10):
            yield observer, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _tell(registry: kopf.OperatorRegistry, change: str | None) -> None:
    for handler in registry._watching.get_all_handlers():
        handle: Any = handler.fn
        await handle(event={"type": change, "object": BODY})


async def test_events_arrive_on_the_loop_that_runs_the_watching(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def operator(registry: kopf.OperatorRegistry, stop_flag: asyncio.Event, **_: Any) -> None:
        assert threading.current_thread() is not threading.main_thread()
        await _tell(registry, "ADDED")
        await stop_flag.wait()

    async with _watching(monkeypatch, operator) as (observer, _):
        await observer.told.wait()
    assert sorted(observer.events, key=lambda event: event[0]) == [
        (Kind.CONFIG, "ADDED", BODY),
        (Kind.RECEIVER, "ADDED", BODY),
    ]
    assert observer.threads == {threading.main_thread()}


@pytest.mark.parametrize(
    "error", [RuntimeError("ERROR in the stream"), SystemExit(1), asyncio.CancelledError()]
)
async def test_whatever_ends_kopf_it_is_started_again(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    lives: list[int] = []
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def operator(**_: Any) -> None:
        lives.append(1)
        if len(lives) == 4:
            loop.call_soon_threadsafe(enough.set)
        raise error

    async with _watching(monkeypatch, operator) as (_, task):
        await enough.wait()
        assert not task.done()


async def test_what_ended_kopf_is_logged_without_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    again = asyncio.Event()
    loop = asyncio.get_running_loop()
    lives: list[int] = []

    async def operator(**_: Any) -> None:
        lives.append(1)
        if len(lives) > 1:
            loop.call_soon_threadsafe(again.set)
        raise RuntimeError("Authorization: Bearer made-up-token")

    with capture_logs() as logs:
        async with _watching(monkeypatch, operator):
            await again.wait()
    assert "starting over" in logs[0]["event"]
    assert "Bearer [redacted]" in logs[0]["error"]


async def test_watches_begin_anew_when_the_observer_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def operator(registry: kopf.OperatorRegistry, stop_flag: asyncio.Event, **_: Any) -> None:
        await _tell(registry, None)
        await stop_flag.wait()

    with capture_logs() as logs:
        async with _watching(monkeypatch, operator) as (observer, _):
            for life in range(1, 4):
                await observer.heard(2 * life)
                observer.rewatch.set()
            await observer.heard(8)
            assert not observer.rewatch.is_set()
    assert logs == []


async def test_nothing_is_handed_over_once_kopf_is_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def operator(registry: kopf.OperatorRegistry, stop_flag: asyncio.Event, **_: Any) -> None:
        loop.call_soon_threadsafe(started.set)
        await stop_flag.wait()
        await _tell(registry, "DELETED")

    async with _watching(monkeypatch, operator) as (observer, task):
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0)
        assert observer.events == []


async def test_a_kopf_that_ignores_the_flag_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()
    loop = asyncio.get_running_loop()
    ends: list[str] = []

    async def operator(**_: Any) -> None:
        loop.call_soon_threadsafe(started.set)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    monkeypatch.setattr(watching, "_GRACE_SECONDS", 0.01)
    async with _watching(monkeypatch, operator) as (_, task):
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert ends == ["cancelled"]


async def test_a_kopf_that_cannot_be_ended_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()
    release = threading.Event()
    loop = asyncio.get_running_loop()

    async def operator(**_: Any) -> None:
        loop.call_soon_threadsafe(started.set)
        release.wait(10)

    monkeypatch.setattr(watching, "_STOP_SECONDS", 0.01)
    with capture_logs() as logs:
        async with _watching(monkeypatch, operator) as (_, task):
            await started.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    release.set()
    assert [entry["log_level"] for entry in logs] == ["error"]


async def test_the_processs_signal_handlers_stay_as_they_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}

    async def operator(registry: kopf.OperatorRegistry, stop_flag: asyncio.Event, **_: Any) -> None:
        await _tell(registry, None)
        await stop_flag.wait()

    async with _watching(monkeypatch, operator) as (observer, _):
        await observer.told.wait()
    assert {each: signal.getsignal(each) for each in before} == before


def test_backoffs_double_up_to_the_cap_never_end_and_begin_anew() -> None:
    backoff = CappedBackoff()
    for _ in range(2):
        delays = list(islice(backoff, 100))
        for delay, longest in zip(delays, [1, 2, 4, *[5] * 97], strict=True):
            assert longest / 2 <= delay <= longest
    with pytest.raises(TypeError):
        len(backoff)  # type: ignore[arg-type]  # kopf asks, and counts tries where it can


def test_kopf_never_kills_the_process_writes_nothing_and_limits_no_workers() -> None:
    chosen = settings()
    assert chosen.process.ultimate_exiting_timeout is None
    assert chosen.peering.standalone
    assert not chosen.posting.enabled
    assert chosen.queueing.worker_limit is None
    assert str(chosen.watching.server_timeout) == "300"

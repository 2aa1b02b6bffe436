"""The work queue, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from tests.virtual_time import virtual_time
from tocsin.errors import KubeUnavailable
from tocsin.pipeline.workqueue import WorkQueue

Run = tuple[float, str]


class Work:
    """Records when each key ran; `seconds` is how long a run takes, `result` what it gives."""

    def __init__(
        self, seconds: float = 0.0, result: Callable[[str], float | None] = lambda _: None
    ) -> None:
        self.seconds = seconds
        self.result = result
        self.runs: list[Run] = []
        self.active: list[str] = []
        self.most_active = 0

    async def __call__(self, key: str) -> float | None:
        self.runs.append((_now(), key))
        assert key not in self.active
        self.active.append(key)
        self.most_active = max(self.most_active, len(self.active))
        await asyncio.sleep(self.seconds)
        self.active.remove(key)
        return self.result(key)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _raising(error: Exception) -> Callable[[str], float | None]:
    def result(key: str) -> float | None:
        raise error

    return result


@asynccontextmanager
async def _running(queue: WorkQueue[str]) -> AsyncIterator[WorkQueue[str]]:
    task = asyncio.create_task(queue.run())
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@virtual_time
async def test_a_key_added_many_times_before_it_runs_runs_once() -> None:
    work = Work()
    async with _running(WorkQueue(work)) as queue:
        for _ in range(100):
            queue.add("a")
        await asyncio.sleep(10)
    assert work.runs == [(0, "a")]


@virtual_time
async def test_keys_added_before_the_start_run_at_the_start() -> None:
    work = Work()
    queue: WorkQueue[str] = WorkQueue(work)
    queue.add("a")
    async with _running(queue):
        await asyncio.sleep(1)
    assert work.runs == [(0, "a")]


@virtual_time
async def test_keys_that_are_due_run_in_the_order_in_which_they_became_due() -> None:
    work = Work(seconds=1)
    queue: WorkQueue[str] = WorkQueue(work, workers=1)
    queue.add("late", 0.5)
    queue.add("first")
    queue.add("second")
    async with _running(queue):
        await asyncio.sleep(10)
    assert work.runs == [(0, "first"), (1, "second"), (2, "late")]


@virtual_time
async def test_a_key_added_while_it_runs_runs_again_afterwards_and_never_twice_at_a_time() -> None:
    work = Work(seconds=5)
    async with _running(WorkQueue(work)) as queue:
        queue.add("a")
        await asyncio.sleep(1)
        queue.add("a")
        queue.add("a")
        await asyncio.sleep(20)
    assert work.runs == [(0, "a"), (5, "a")]


@virtual_time
async def test_a_delay_that_ends_while_the_key_runs_waits_for_the_run_to_end() -> None:
    work = Work(seconds=5)
    async with _running(WorkQueue(work)) as queue:
        queue.add("a", 3)
        queue.add("a", 2)  # leaves an entry for second 3 behind
        await asyncio.sleep(2.5)
        queue.add("a", 0.5)
        await asyncio.sleep(30)
    assert work.runs == [(2, "a"), (7, "a")]


@virtual_time
async def test_of_several_delays_the_shortest_counts() -> None:
    work = Work()
    async with _running(WorkQueue(work)) as queue:
        queue.add("a", 30)
        queue.add("a", 10)
        queue.add("a", 20)
        await asyncio.sleep(100)
    assert work.runs == [(10, "a")]


@virtual_time
async def test_what_work_returns_is_when_the_key_is_due_again() -> None:
    work = Work(result=lambda _: 25)
    async with _running(WorkQueue(work)) as queue:
        queue.add("a")
        await asyncio.sleep(60)
    assert work.runs == [(0, "a"), (25, "a"), (50, "a")]


@virtual_time
async def test_no_more_keys_run_at_one_time_than_there_are_workers() -> None:
    work = Work(seconds=1)
    async with _running(WorkQueue(work, workers=3)) as queue:
        for key in "abcdefg":
            queue.add(key)
        await asyncio.sleep(10)
    assert work.most_active == 3
    assert [at for at, _ in work.runs] == [0, 0, 0, 1, 1, 1, 2]


@virtual_time
async def test_a_busy_key_does_not_hold_up_the_others() -> None:
    work = Work(seconds=100)
    async with _running(WorkQueue(work, workers=2)) as queue:
        queue.add("slow")
        await asyncio.sleep(1)
        queue.add("slow")
        work.seconds = 0
        queue.add("quick")
        await asyncio.sleep(1)
    assert work.runs == [(0, "slow"), (1, "quick")]


@virtual_time
async def test_failures_back_off_doubling_up_to_the_cap() -> None:
    work = Work(result=_raising(KubeUnavailable("no answer")))
    queue: WorkQueue[str] = WorkQueue(work, longest_backoff_seconds=8, draw=lambda: 0.0)
    async with _running(queue):
        queue.add("a")
        await asyncio.sleep(40)
    assert [at for at, _ in work.runs] == [0, 1, 3, 7, 15, 23, 31, 39]


@virtual_time
async def test_backoffs_are_shortened_at_random_by_up_to_half() -> None:
    work = Work(result=_raising(KubeUnavailable("no answer")))
    async with _running(WorkQueue(work, draw=lambda: 1.0)) as queue:
        queue.add("a")
        await asyncio.sleep(3)
    assert [at for at, _ in work.runs] == [0, 0.5, 1.5]


@virtual_time
async def test_a_success_ends_the_backoff() -> None:
    work = Work(result=_raising(KubeUnavailable("no answer")))
    async with _running(WorkQueue(work, draw=lambda: 0.0)) as queue:
        queue.add("a")
        await asyncio.sleep(10)
        work.result = lambda _: None
        await asyncio.sleep(10)
        work.result = _raising(KubeUnavailable("no answer"))
        queue.add("a")
        await asyncio.sleep(1.5)
    assert [at for at, _ in work.runs] == [0, 1, 3, 7, 15, 20, 21]


@virtual_time
async def test_an_addition_overtakes_the_backoff() -> None:
    work = Work(result=_raising(KubeUnavailable("no answer")))
    async with _running(WorkQueue(work, draw=lambda: 0.0)) as queue:
        queue.add("a")
        await asyncio.sleep(4)
        queue.add("a")
        await asyncio.sleep(1)
    assert [at for at, _ in work.runs] == [0, 1, 3, 4]


@virtual_time
async def test_a_defect_in_one_key_is_logged_and_stops_no_other_key() -> None:
    work = Work(result=lambda key: 1 / 0 if key == "bad" else None)
    with capture_logs() as logs:
        async with _running(WorkQueue(work, draw=lambda: 0.0)) as queue:
            queue.add("bad")
            queue.add("good")
            await asyncio.sleep(0.5)
            queue.add("good")
            await asyncio.sleep(1)
    assert work.runs == [(0, "bad"), (0, "good"), (0.5, "good"), (1, "bad")]
    assert {(entry["log_level"], entry["key"]) for entry in logs} == {("error", "bad")}


@virtual_time
async def test_no_token_of_an_error_reaches_the_log() -> None:
    work = Work(result=_raising(KubeUnavailable("bad token xoxb-1234-secret")))
    with capture_logs() as logs:
        async with _running(WorkQueue(work)) as queue:
            queue.add("a")
            await asyncio.sleep(0.1)
    assert [entry["error"] for entry in logs] == ["bad token [redacted]"]


@virtual_time
async def test_a_forgotten_key_does_not_run() -> None:
    work = Work()
    async with _running(WorkQueue(work)) as queue:
        queue.add("a", 10)
        queue.forget("a")
        queue.forget("never added")
        await asyncio.sleep(100)
        queue.add("a")
        await asyncio.sleep(1)
    assert work.runs == [(100, "a")]


@virtual_time
async def test_cancelling_the_queue_cancels_the_work_under_way() -> None:
    work = Work(seconds=100)
    async with _running(WorkQueue(work)) as queue:
        queue.add("a")
        await asyncio.sleep(1)
    assert _now() == 1
    assert work.active == ["a"]

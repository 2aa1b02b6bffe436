"""Time that passes only when nothing else can happen: hours of back-off run in milliseconds.

`@virtual_time` turns an `async def` test into one that runs in such a loop. Code under test uses
`asyncio` as ever; the loop's `time()` starts at 0 and jumps to the next timer when all tasks wait.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

_P = ParamSpec("_P")
_STUCK_SECONDS = 5.0


class _Jumping(selectors.DefaultSelector):
    """Polls, and instead of waiting moves the time; None: waits for another thread, in earnest."""

    def __init__(self) -> None:
        super().__init__()
        self.now_seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            ready = super().select(_STUCK_SECONDS)
            assert ready, "all tasks wait for something that nothing will do"
            return ready
        self.now_seconds += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_seconds


def virtual_time(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Runs an asynchronous test in a `VirtualTimeLoop`."""

    @functools.wraps(test)
    def run(*arguments: _P.args, **named: _P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*arguments, **named))

    return run

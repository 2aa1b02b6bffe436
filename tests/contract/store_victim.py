"""A process that uses a store until it is killed: `python -m tests.contract.store_victim`.

Arguments: the URL, a mode, and after how many lines to end by itself. Prints a line for what it was
told is stored, the moment it was told. Mode `appends` appends rows one after the other. Mode
`steps` takes one row out with each step and appends the next beside it; step N writes N in several
tables, so that a half of it would show.
"""

import asyncio
import os
import sys

from tests.contract.stores import NOW, opened, signal_key
from tocsin.adapters.store import SqlStore
from tocsin.model.records import Decision, Step

SIGNALS = 7


async def main(url: str, mode: str, lines: int) -> None:
    async with opened(url) as store:
        if mode == "appends":
            await _append(store, lines)
        else:
            await _work(store, lines)


async def _append(store: SqlStore, lines: int) -> None:
    for number in range(lines):
        await store.append("k", "s", b"%d" % number, NOW)
        _say(f"stored {number}")


async def _work(store: SqlStore, lines: int) -> None:
    """Go on from what earlier lives left."""
    last = int((await store.image()).marks.get("last", b"0"))
    if not await store.pending(1):
        await store.append("k", "s", b"%d" % (last + 1), NOW)
    for number in range(last + 1, last + 1 + lines):
        (row,) = await store.pending(1)
        step = store.commit(step_number(number, row.id))
        await asyncio.gather(step, store.append("k", "s", b"%d" % (number + 1), NOW))
        _say(f"stored {number}")


def step_number(number: int, row: int) -> Step:
    document = b"%d" % number
    return Step(
        signals={signal_key(number % SIGNALS): document},
        seen={("k", str(number % SIGNALS)): document},
        keys={document.decode(): NOW},
        marks={"last": document},
        decisions=[Decision(NOW, signal_key(number), document)],
        done_inbox=[row],
    )


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

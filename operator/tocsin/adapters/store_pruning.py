"""What is deleted because it is old, in bites of a thousand rows at most.

In: the present, and how long decisions are kept. Out: statements that `store` has the writer run,
each in a transaction of its own, until one deletes less than a bite.
"""

from typing import Final

import sqlalchemy as sa

from tocsin.adapters.store_schema import DECISIONS, KEYS, REJECTED

BITE_ROWS: Final = 1000

KEYS_SECONDS: Final = 7 * 86400
"""How long idempotency keys are remembered, and rejected payloads kept."""
DECISIONS_BYTES: Final = 384 * 2**20
REJECTED_BYTES: Final = 64 * 2**20
"""However young they are, there are no more than so many of them."""


def pruning(now: float, decision_seconds: float) -> tuple[sa.Delete, ...]:
    """Return the statements; `now` in seconds since the epoch."""
    return (
        _decisions(now - decision_seconds),
        _keys(now - KEYS_SECONDS),
        _rejected_by_age(now - KEYS_SECONDS),
        _rejected_by_size(),
    )


def _decisions(before: float) -> sa.Delete:
    """The log's oldest rows, where they are too old or too far from its end."""
    position = DECISIONS.c.position
    oldest = sa.select(position).order_by(position).limit(BITE_ROWS)
    end = sa.select(sa.func.max(position)).scalar_subquery()
    is_over = sa.or_(DECISIONS.c.at < before, position < end - DECISIONS_BYTES)
    return sa.delete(DECISIONS).where(position.in_(oldest), is_over)


def _keys(before: float) -> sa.Delete:
    old = sa.select(KEYS.c.digest).where(KEYS.c.used_at < before).limit(BITE_ROWS)
    return sa.delete(KEYS).where(KEYS.c.digest.in_(old))


def _rejected_by_age(before: float) -> sa.Delete:
    oldest = sa.select(REJECTED.c.id).order_by(REJECTED.c.id).limit(BITE_ROWS)
    return sa.delete(REJECTED).where(REJECTED.c.id.in_(oldest), REJECTED.c.rejected_at < before)


def _rejected_by_size() -> sa.Delete:
    """Rows that are older than the newest 64 MB."""
    size = sa.func.length(REJECTED.c.payload)
    newer = sa.select(
        REJECTED.c.id, sa.func.sum(size).over(order_by=REJECTED.c.id.desc()).label("bytes")
    ).subquery()
    excess = sa.select(newer.c.id).where(newer.c.bytes > REJECTED_BYTES).limit(BITE_ROWS)
    return sa.delete(REJECTED).where(REJECTED.c.id.in_(excess))

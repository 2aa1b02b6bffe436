"""What is known of a signal, and what was just heard of it: which of the two holds.

In: two records of one identity, the stored one and the newer. Out: the one to store. Called by the
dispatcher. Follows Alertmanager 0.34, `Put` of `provider/mem/mem.go` and `Merge` of
`alert/alert.go`, where a signal's end may also be open (`ends_at` None: held until told otherwise).
"""

from math import inf

import msgspec

from tocsin.model.signal import Signal, Status


def merge(old: Signal, new: Signal) -> Signal:
    """Return what holds now that `new` was heard; texts and link are always the newest.

    - An end that is told ends what fires, whoever held it open.
    - While it fires, the later end holds: a lease is not shortened, an open end stays open.
    - Where the two overlap in time they are one firing, and its earliest start holds; else `new`
      stands for itself. (Of two resolved records that overlap, the later end holds, too.)
    - A resolved record of an earlier firing changes nothing, and `old` itself comes back: of two
      Prometheus servers, one still repeats it when the other fires again.
    """
    if _is_of_earlier_firing(old, new):
        return old
    if not _overlap(old, new):
        return new
    if old.status is not new.status:
        return msgspec.structs.replace(new, starts_at=min(old.starts_at, new.starts_at))
    is_held_by_old = old.ends_at is None and new.ends_at is not None
    holder = old if is_held_by_old else new
    return msgspec.structs.replace(
        new,
        starts_at=min(old.starts_at, new.starts_at),
        ends_at=_later(old.ends_at, new.ends_at),
        held=holder.held,
        sender_group=holder.sender_group,
    )


def _is_of_earlier_firing(old: Signal, new: Signal) -> bool:
    """Whether `new` tells a start and an end that both lie before what is known now.

    An Alertmanager's webhook is always believed: it will not say it again.
    """
    end = _end(new)
    has_ended = new.status is Status.RESOLVED and not new.held
    return has_ended and new.starts_at < end < old.starts_at


def _overlap(old: Signal, new: Signal) -> bool:
    if old.ends_at is None and new.status is Status.FIRING:
        return True  # even where clocks differ and one of them starts in the future
    if old.status is new.status is Status.RESOLVED:
        return new.starts_at <= _end(old) and old.starts_at <= _end(new)  # an end told again
    return new.starts_at < _end(old) and old.starts_at < _end(new)


def _end(signal: Signal) -> float:
    return inf if signal.ends_at is None else signal.ends_at


def _later(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else max(one, other)

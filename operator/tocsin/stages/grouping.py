"""Which group of an entry a signal joins, and when that group may notify.

In: an entry and a signal. Out: group labels and times. Called by the dispatcher. Follows
Alertmanager's `dispatch/dispatch.go`: group wait for the first message of a group, group interval
between its later ones, repeat interval where nothing changes.
"""

from tocsin.model.entry import ALL_LABELS, GROUP_WAIT_SECONDS, SENDER_GROUP, Entry
from tocsin.model.signal import Signal


def group_labels(entry: Entry, signal: Signal) -> dict[str, str]:
    """Return the labels that the signal's group shares, by the entry's `groupBy`.

    Labels that the signal lacks are left out. With `...` all labels; with `sender` the sending
    Alertmanager's own group, under the name `sender_group`, or all labels where there is none.
    """
    if entry.group_by == (SENDER_GROUP,) and signal.sender_group:
        return {"sender_group": signal.sender_group}
    labels = signal.labels
    if entry.group_by in ((ALL_LABELS,), (SENDER_GROUP,)):
        return dict(labels)
    return {name: labels[name] for name in entry.group_by if name in labels}


def first_flush(entry: Entry, signal: Signal) -> float:
    """Return when a new group that this signal opens may notify first.

    Counted from when the signal was accepted, so that processing late does not wait again. What an
    Alertmanager has already held waits no more, unless the subscription sets a group wait.
    """
    wait = entry.timing.group_wait
    if wait is None:
        wait = 0.0 if signal.held else GROUP_WAIT_SECONDS
    return signal.updated_at + wait


def later_flush(entry: Entry, signal: Signal, notified_at: float) -> float:
    """Return when a group that notified at `notified_at` may do so again for this signal."""
    return max(notified_at + entry.timing.group_interval, first_flush(entry, signal))

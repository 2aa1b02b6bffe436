"""Whether an entry may notify at this hour.

In: an entry and the time. Out: a reason, or None. Called at each flush. Follows Alertmanager's
`notify/mute.go`: within a mute time, or outside all active times, the whole group is held back.
"""

from tocsin.model.entry import Entry
from tocsin.model.reason import Reason


def muted(entry: Entry, now: float) -> Reason | None:
    """Return `MUTED` where the entry's time intervals forbid a notification at `now`."""
    if any(interval.contains(now) for interval in entry.mute_times):
        return Reason.MUTED
    if entry.active_times and not any(each.contains(now) for each in entry.active_times):
        return Reason.MUTED
    return None

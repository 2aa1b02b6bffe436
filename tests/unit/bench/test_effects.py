"""The judges of pacing and of `kubectl apply`, on small journals and watches."""

import math

import pytest

from bench.apply import Change, effects
from bench.pacing import Moments, seen
from bench.pacing_site import BUSY, OTHER, RESOLVING
from bench.sink import Arrival
from lab.errors import LabError
from lab.slack.journal import Entry

CHANGES = [Change("b", 10.3)]
WRITES = [("a", 0.0), ("b", 10.0)]


def arrival(at: float, channel: str, group: int) -> Arrival:
    return Arrival(at, "chat.postMessage", channel, group)


def test_a_change_is_in_force_with_the_first_message_about_a_later_alert() -> None:
    posted_at = {1: 9.9, 2: 10.05, 3: 10.10}
    arrivals = [arrival(10.01, "b", 1), arrival(10.06, "a", 2), arrival(10.2, "b", 3)]
    (found,) = effects(CHANGES, WRITES, posted_at, arrivals)
    assert found.from_write_ms == pytest.approx(200)
    assert found.from_return_ms == pytest.approx(-100)
    assert found.still_old_ms == pytest.approx(50)


def test_a_change_that_never_takes_effect_is_infinitely_late() -> None:
    (found,) = effects(CHANGES, WRITES, {2: 10.05}, [arrival(10.06, "a", 2)])
    assert math.isinf(found.from_write_ms)


def test_alerts_after_the_next_change_say_nothing_about_this_one() -> None:
    changes = [*CHANGES, Change("a", 20.3)]
    writes = [*WRITES, ("a", 20.0)]
    arrivals = [arrival(10.1, "b", 1), arrival(20.1, "a", 2)]
    first, second = effects(changes, writes, {1: 10.05, 2: 20.05}, arrivals)
    assert (first.still_old_ms, second.still_old_ms) == (0.0, 0.0)
    assert second.from_write_ms == pytest.approx(100)


def test_a_watch_that_saw_another_change_is_an_error() -> None:
    with pytest.raises(LabError, match="did not show every change"):
        effects(CHANGES, [("a", 0.0), ("c", 10.0)], {}, [])


def test_edits_are_no_first_messages() -> None:
    arrivals = [Arrival(10.06, "chat.update", "b", 2), arrival(10.3, "b", 2)]
    (found,) = effects(CHANGES, WRITES, {2: 10.05}, arrivals)
    assert found.from_write_ms == pytest.approx(300)


MOMENTS = Moments(busy=100.0, resolved=300.0, others={OTHER: 90.0, OTHER + 1: 110.0})


def entry(at: float, group: int, *, method: str = "chat.postMessage", over: bool = False) -> Entry:
    refused = group < 0
    return Entry(
        at=at,
        method=method,
        answer="ratelimited" if refused else "ok",
        status=429 if refused else 200,
        duration_seconds=0.0,
        channel="C0",
        ts=str(group),
        text=f"{'✅ Resolved' if over else '🟡 Firing'}: BenchGroup{group:06d} in shop-1",
        metadata={"event_payload": {"id": str(at)}},
    )


def journal() -> list[Entry]:
    busy = [entry(100.0 + group, BUSY + group) for group in range(100)]
    others = [entry(90.1, OTHER), entry(110.2, OTHER + 1)]
    opened = [entry(250.0, RESOLVING + number) for number in range(2)]
    edits = [
        entry(310.0 + number, RESOLVING + number, method="chat.update", over=True)
        for number in range(2)
    ]
    return [*busy, *others, *opened, *edits]


def test_pacing_sees_when_all_arrived_and_what_others_waited() -> None:
    found = seen(journal(), (0, 1, 2), MOMENTS)
    assert found.busy == pytest.approx(99)
    assert found.before == pytest.approx([0.1])
    assert found.meanwhile == pytest.approx([0.2])
    assert found.edits == pytest.approx(11)
    assert (found.busy_refusals, found.edit_refusals, found.stale) == (0, 0, 0)


def test_pacing_sees_a_group_that_never_arrived() -> None:
    without = [each for each in journal() if each.ts != str(BUSY + 50)]
    assert math.isinf(seen(without, (0, 1, 2), MOMENTS).busy)


def test_pacing_sees_a_message_to_another_channel_that_never_arrived() -> None:
    without = [each for each in journal() if each.ts != str(OTHER + 1)]
    assert [math.isinf(wait) for wait in seen(without, (0, 1, 2), MOMENTS).meanwhile] == [True]


def test_pacing_sees_a_message_that_stayed_stale() -> None:
    without = journal()[:-1]
    assert seen(without, (0, 1, 2), MOMENTS).stale == 1


def test_pacing_counts_refusals_in_their_time() -> None:
    refused = [
        entry(50.0, -1),
        entry(101.0, -1),
        entry(102.0, -1),
        entry(301.0, -1, method="chat.update"),
    ]
    found = seen([*journal(), *refused], (0, 1, 2), MOMENTS)
    assert (found.busy_refusals, found.edit_refusals) == (2, 1)

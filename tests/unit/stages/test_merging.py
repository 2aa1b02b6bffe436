"""Merging: what is known of a signal and what was just heard of it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.signal import Signal, Source, Status
from tocsin.stages.merging import merge


def firing(starts_at: float, ends_at: float | None, **fields: Any) -> Signal:
    """A record of what fires: a lease, or, with no end, held by an Alertmanager's webhook."""
    base = Signal(Source.ALERTS, {"a": "1"}, {}, Status.FIRING, starts_at, ends_at, 0.0)
    held: dict[str, Any] = {"held": True, "sender_group": "group"} if ends_at is None else {}
    return msgspec.structs.replace(base, **(held | fields))


def resolved(starts_at: float, ends_at: float, **fields: Any) -> Signal:
    base = firing(starts_at, ends_at, status=Status.RESOLVED)
    return msgspec.structs.replace(base, **fields)


def span(signal: Signal) -> tuple[Status, float, float | None]:
    return signal.status, signal.starts_at, signal.ends_at


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        pytest.param(firing(10, 20), firing(10, 30), (10, 30), id="a re-send prolongs the lease"),
        pytest.param(firing(10, 30), firing(10, 20), (10, 30), id="it never shortens it"),
        pytest.param(firing(10, 20), firing(15, 30), (10, 30), id="the earliest start counts"),
        pytest.param(firing(15, 20), firing(10, 30), (10, 30), id="also if it is told later"),
        pytest.param(firing(10, 20), firing(20, 30), (20, 30), id="after its end it fires anew"),
        pytest.param(firing(10, 20), firing(25, 30), (25, 30), id="and later, too"),
        pytest.param(resolved(10, 20), firing(15, 30), (10, 30), id="one firing, not over yet"),
        pytest.param(resolved(10, 20), firing(20, 30), (20, 30), id="a re-fire has its own start"),
    ],
)
def test_what_fires(old: Signal, new: Signal, merged: tuple[float, float]) -> None:
    assert span(merge(old, new)) == (Status.FIRING, *merged)


@pytest.mark.parametrize(
    ("old", "new", "merged"),
    [
        pytest.param(firing(10, 30), resolved(10, 20), (10, 20), id="an end ends the lease"),
        pytest.param(firing(10, 30), resolved(15, 20), (10, 20), id="and keeps the start"),
        pytest.param(firing(10, None), resolved(15, 20), (10, 20), id="it ends what is held"),
        pytest.param(firing(10, 30), resolved(5, 5), (5, 5), id="an end alone is believed"),
        pytest.param(firing(10, 30), resolved(5, 10), (5, 10), id="so is one at the very start"),
        pytest.param(resolved(10, 20), resolved(10, 15), (10, 20), id="the later end counts"),
        pytest.param(resolved(10, 20), resolved(15, 25), (10, 25), id="whichever that is"),
        pytest.param(resolved(10, 20), resolved(20, 20), (10, 20), id="an end that is repeated"),
        pytest.param(resolved(10, 20), resolved(30, 40), (30, 40), id="a firing never heard of"),
        pytest.param(
            firing(10, None), resolved(5, 8, held=True), (5, 8), id="a webhook is always believed"
        ),
    ],
)
def test_what_has_ended(old: Signal, new: Signal, merged: tuple[float, float]) -> None:
    assert span(merge(old, new)) == (Status.RESOLVED, *merged)


@pytest.mark.parametrize("old", [firing(10, 30), firing(10, None), resolved(10, 20)])
def test_the_end_of_an_earlier_firing_changes_nothing(old: Signal) -> None:
    assert merge(old, resolved(5, 8, annotations={"summary": "earlier"})) is old


def test_a_lease_does_not_shorten_what_a_webhook_holds_open() -> None:
    held = firing(10, None, annotations={"summary": "old"})
    lease = firing(12, 30, annotations={"summary": "new"}, updated_at=12.0)
    assert merge(held, lease) == firing(
        10, None, annotations={"summary": "new"}, updated_at=12.0, held=True, sender_group="group"
    )


def test_what_a_webhook_shows_is_held_open_from_then_on() -> None:
    held = firing(12, None)
    assert merge(firing(10, 30), held) == msgspec.structs.replace(held, starts_at=10)


def test_of_two_webhooks_the_one_heard_last_holds() -> None:
    assert merge(firing(10, None), firing(10, None, sender_group="other")).sender_group == "other"


def test_what_is_held_stays_so_even_where_clocks_differ() -> None:
    assert span(merge(firing(100, None), firing(10, 30))) == (Status.FIRING, 10, None)


def records(heard_at: int) -> st.SearchStrategy[Signal]:
    """Records as sources make them: what fires ends later than it was heard of, the rest before."""
    fields = st.fixed_dictionaries(
        {
            "annotations": st.sampled_from([{"summary": "a"}, {"summary": "b"}]),
            "updated_at": st.just(float(heard_at)),
        }
    )
    starts = st.integers(0, heard_at + 2)
    leases = st.builds(
        lambda start, more, other: firing(start, max(start, heard_at + 1) + more, **other),
        starts,
        st.integers(0, 3),
        fields,
    )
    held = st.builds(
        lambda start, group, other: firing(start, None, **(other | {"sender_group": group})),
        starts,
        st.sampled_from(["group", "other"]),
        fields,
    )
    ended = st.builds(
        lambda times, held, other: resolved(min(times), max(times), held=held, **other),
        st.tuples(st.integers(0, heard_at), st.integers(0, heard_at)),
        st.booleans(),
        fields,
    )
    return leases | held | ended


pairs = st.tuples(st.integers(0, 6), st.integers(0, 3)).flatmap(
    lambda heard: st.tuples(records(heard[0]), records(heard[0] + heard[1]))
)


@given(pairs)
def test_merging_what_was_merged_changes_nothing(pair: tuple[Signal, Signal]) -> None:
    old, new = pair
    merged = merge(old, new)
    assert merge(merged, merged) == merged
    assert merge(old, old) == old


@given(pairs)
def test_hearing_the_same_twice_is_hearing_it_once(pair: tuple[Signal, Signal]) -> None:
    old, new = pair
    once = merge(old, new)
    assert merge(once, new) == once


@given(pairs)
def test_the_newest_record_decides_unless_it_is_of_an_earlier_firing(
    pair: tuple[Signal, Signal],
) -> None:
    old, new = pair
    merged = merge(old, new)
    if merged is old:
        return
    assert merged.status is new.status
    assert merged.annotations == new.annotations
    assert merged.starts_at in (old.starts_at, new.starts_at)
    assert merged.starts_at <= new.starts_at
    if old.status is Status.FIRING and old.ends_at is None and new.status is Status.FIRING:
        assert merged.ends_at is None


@given(pairs)
def test_an_end_is_never_lost(pair: tuple[Signal, Signal]) -> None:
    old, new = pair
    merged = merge(old, new)
    if new.status is Status.RESOLVED and (new.held or new.ends_at == new.starts_at):
        assert merged.status is Status.RESOLVED

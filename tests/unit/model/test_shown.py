"""What a group has shown: whatever the payloads, each signal is shown, ended by name, or absent."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from tocsin.model.shown import compare
from tocsin.model.signal import Signal, SignalId, Source, Status, signal_id

Key = tuple[str, str]
"""A signal's cluster and name."""

keys = st.tuples(st.sampled_from(["", "eu", "us"]), st.sampled_from("abcd"))
payloads = st.lists(
    st.tuples(
        st.dictionaries(keys, st.sampled_from(list(Status)), max_size=4),
        st.booleans(),
    ),
    max_size=4,
)


def identity(key: Key) -> SignalId:
    cluster, name = key
    return signal_id(Source.ALERTS, {"cluster": cluster, "n": name} if cluster else {"n": name})


def signals(states: Mapping[Key, Status]) -> list[tuple[SignalId, Signal]]:
    return [
        (
            identity((cluster, name)),
            Signal(
                Source.ALERTS,
                {"cluster": cluster, "n": name} if cluster else {"n": name},
                {},
                status,
                0.0,
                None,
                0.0,
            ),
        )
        for (cluster, name), status in states.items()
    ]


@given(payloads)
def test_absent_is_what_was_shown_firing_and_no_complete_payload_of_its_cluster_shows(
    told: list[tuple[dict[Key, Status], bool]],
) -> None:
    document = b""
    known: set[Key] = set()
    for states, is_complete in told:
        absent, document = compare(document, signals(states), is_complete=is_complete)
        lasting = {key for key, status in states.items() if status is not Status.INSTANT}
        clusters = {cluster for cluster, _ in lasting}
        expected = {key for key in known - lasting if is_complete and key[0] in clusters}
        assert absent == sorted(identity(key) for key in expected)
        known -= lasting | expected
        known |= {key for key, status in states.items() if status is Status.FIRING}
    assert bool(document) == bool(known)


def test_the_same_is_packed_the_same_in_whatever_order_it_came() -> None:
    told = {("eu", "a"): Status.FIRING, ("", "b"): Status.FIRING, ("us", "c"): Status.FIRING}
    _, one = compare(b"", signals(told), is_complete=True)
    _, other = compare(b"", signals(dict(reversed(told.items()))), is_complete=False)
    assert one == other

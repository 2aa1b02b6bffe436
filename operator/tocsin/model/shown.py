"""Which signals a sender's group shows firing, from payload to payload; kept by the store, packed.

Made and compared by `sources.alertmanager_webhook`: what a complete payload of the same group no
longer shows has ended.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from tocsin.model.signal import Signal, SignalId, Status

_ID_BYTES: Final = 16
_encoder: Final = msgspec.msgpack.Encoder(order="sorted")
_decoder: Final = msgspec.msgpack.Decoder(dict[str, bytes])

_ByCluster = dict[str, set[SignalId]]
"""Signal IDs by the label `cluster` of their signals, empty where they have none."""


def compare(
    before: bytes, signals: Iterable[tuple[SignalId, Signal]], *, is_complete: bool
) -> tuple[list[SignalId], bytes]:
    """Return the signals that `before` had and `signals` lack, in order, and what to keep instead.

    Absence counts only within clusters that `signals` speak of: Alertmanagers of several clusters
    are often set up alike, down to the external URL and the group keys. Of an incomplete payload
    nothing counts as absent. Both documents: msgpack, cluster -> IDs, sorted, one behind the other;
    empty for none. Instant signals do not count.
    """
    shown: _ByCluster = {}
    firing: _ByCluster = {}
    for key, signal in signals:
        if signal.status is Status.INSTANT:
            continue
        cluster = signal.labels.get("cluster", "")
        shown.setdefault(cluster, set()).add(key)
        if signal.status is Status.FIRING:
            firing.setdefault(cluster, set()).add(key)
    after = _unpacked(before)
    absent: list[SignalId] = []
    for cluster, ids in shown.items():
        missing = after.get(cluster, set()) - ids
        after[cluster] = firing.get(cluster, set())
        if is_complete:
            absent.extend(missing)
        else:
            after[cluster] |= missing
    return sorted(absent), _packed(after)


def _unpacked(document: bytes) -> _ByCluster:
    if not document:
        return {}
    return {
        cluster: {SignalId(ids[at : at + _ID_BYTES]) for at in range(0, len(ids), _ID_BYTES)}
        for cluster, ids in _decoder.decode(document).items()
    }


def _packed(shown: _ByCluster) -> bytes:
    parts = {cluster: b"".join(sorted(ids)) for cluster, ids in shown.items() if ids}
    return _encoder.encode(parts) if parts else b""

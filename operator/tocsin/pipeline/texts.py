"""Texts: the packed signals that were handled last, so that a fresh message needs no read.

Filled by the dispatcher, read by delivery; what is not here is read from the store.
"""

from collections.abc import Iterable

from tocsin.model.signal import SignalId


class Texts:
    """Packed signals by ID, bounded in bytes, the oldest forgotten first."""

    def __init__(self, max_bytes: int = 16 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._documents: dict[SignalId, bytes] = {}

    def put(self, key: SignalId, document: bytes) -> None:
        """Remember the newest text of a signal."""
        self.forget(key)
        self._documents[key] = document
        self._bytes += len(document)
        while self._bytes > self._max_bytes:
            self.forget(next(iter(self._documents)))

    def forget(self, key: SignalId) -> None:
        """Drop a text that is no longer true."""
        self._bytes -= len(self._documents.pop(key, b""))

    def get(self, keys: Iterable[SignalId]) -> dict[SignalId, bytes]:
        """Return the texts of those of `keys` that are remembered."""
        known = self._documents
        return {key: known[key] for key in keys if key in known}

"""How a run's tests are shared out among pytest-xdist's workers: one by one, but for those that
belong together.

In place of the mark `xdist_group`, which pytest-xdist 3.8 does not heed with pytest 9.2 (its issue
1386).
"""

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

_TOGETHER = "tests/e2e/"
"""These share one operator, which some of them end and start anew."""


class SharingOut(LoadScopeScheduling):  # type: ignore[misc]  # xdist is not typed
    """Keeps all end-to-end tests on one worker, in their order; the largest lot goes first."""

    def _split_scope(self, nodeid: str) -> str:
        """Return the name of the lot that a test belongs to."""
        return _TOGETHER if nodeid.startswith(_TOGETHER) else nodeid

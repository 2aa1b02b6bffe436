"""Deduping: a reason for every notification, and for none."""

import pytest

from tocsin.model.reason import Reason
from tocsin.model.signal import SignalId
from tocsin.stages.deduping import TOLD_RESOLVED, Present, Told, decide, untold_end

A, B = SignalId(b"a" * 16), SignalId(b"b" * 16)
REPEAT_SECONDS = 100.0


def present(
    firing: dict[SignalId, float] | None = None,
    resolved: set[SignalId] | None = None,
    *,
    repeats: bool = True,
    severity: int = 2,
) -> Present:
    return Present(firing or {}, frozenset(resolved or ()), repeats and bool(firing), severity)


def told(signals: dict[SignalId, float], at: float = 1000.0, severity: int = 2) -> Told:
    return Told(signals, at, severity)


@pytest.mark.parametrize(
    ("before", "now_present", "now", "expected"),
    [
        pytest.param(None, present({A: 1.0}), 1000, Reason.FIRST, id="nothing told yet"),
        pytest.param(None, present({}, {A}), 1000, Reason.FIRST, id="over before it was told"),
        pytest.param(None, present(), 1000, Reason.UNCHANGED, id="nothing to tell"),
        pytest.param(
            told({A: 1.0}), present({A: 1.0, B: 2.0}), 1001, Reason.NEW_ALERTS, id="one more"
        ),
        pytest.param(
            told({A: 1.0}),
            present({A: 1.0, B: 2.0}, severity=4),
            1001,
            Reason.SEVERITY_ROSE,
            id="one more, and worse",
        ),
        pytest.param(
            told({A: TOLD_RESOLVED}), present({A: 9.0}), 1001, Reason.NEW_ALERTS, id="fires again"
        ),
        pytest.param(
            told({A: 1.0}), present({A: 9.0}), 1001, Reason.NEW_ALERTS, id="began anew unseen"
        ),
        pytest.param(
            told({A: 1.0}), present({A: 1.0}), 1099.9, Reason.UNCHANGED, id="told already"
        ),
        pytest.param(told({A: 1.0}), present({A: 1.0}), 1100, Reason.REPEAT, id="repeat is due"),
        pytest.param(
            told({A: 1.0}),
            present({A: 1.0}, repeats=False),
            1100,
            Reason.UNCHANGED,
            id="instant signals do not repeat",
        ),
        pytest.param(
            told({A: 1.0}), present({}, {A}), 1100, Reason.UNCHANGED, id="an edit shows the end"
        ),
    ],
)
def test_the_reason_to_notify(
    before: Told | None, now_present: Present, now: float, expected: Reason
) -> None:
    assert decide(before, now_present, now, REPEAT_SECONDS, edits=True) is expected


@pytest.mark.parametrize(
    ("before", "expected"),
    [({A: 1.0}, Reason.ALL_RESOLVED), ({A: TOLD_RESOLVED}, Reason.UNCHANGED)],
)
def test_without_edits_the_end_is_a_post_of_its_own_once(
    before: dict[SignalId, float], expected: Reason
) -> None:
    over = present({}, {A})
    assert decide(told(before), over, 1001, REPEAT_SECONDS, edits=False) is expected


def test_without_edits_nothing_is_said_of_an_end_while_others_fire() -> None:
    mixed = present({B: 2.0}, {A})
    both = told({A: 1.0, B: 2.0})
    assert decide(both, mixed, 1001, REPEAT_SECONDS, edits=False) is Reason.UNCHANGED


def test_an_end_is_untold_until_it_is_shown() -> None:
    over = present({}, {A})
    assert untold_end(told({A: 1.0}), over)
    assert untold_end(told({}), over)
    assert not untold_end(told({A: TOLD_RESOLVED}), over)

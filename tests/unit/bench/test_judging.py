"""A judge that cannot fail judges nothing: each broken promise is put before it once."""

import math

from bench.deliveries import Delivery, Kind
from bench.judging import Kill, Verdict, judge
from bench.lives import Life

BLIND = "T0BLIND"
SIGHTED = "T0SIGHTED"


def life(identity: str, *, ends_at: float = 50.0, fired_at: float | None = 11.0) -> Life:
    posted_over_at = None if ends_at == math.inf else ends_at
    group = int(identity.partition("x")[0])
    return Life(identity, group, 10.0, ends_at, b"{}", fired_at, posted_over_at=posted_over_at)


def post(
    at: float,
    *shown: str,
    ended: tuple[str, ...] = (),
    ts: str = "",
    thread: str = "",
    delivery_id: str = "",
    team: str = SIGHTED,
    answered: bool = True,
    reminder: bool = False,
) -> Delivery:
    return Delivery(
        at=at,
        team=team,
        kind=Kind.REPLY if thread else Kind.FIRST,
        group=1,
        message=("C0", ts or str(at)),
        shown=frozenset(shown),
        ended=frozenset(ended),
        thread_ts=thread,
        delivery_id=delivery_id or f"delivery-{at}",
        is_over=bool(shown) and set(shown) == set(ended),
        is_reminder=reminder,
        answered=answered,
    )


def edit(at: float, ts: str, *shown: str, ended: tuple[str, ...] = ()) -> Delivery:
    return Delivery(
        at=at,
        team=SIGHTED,
        kind=Kind.EDIT,
        group=1,
        message=("C0", ts),
        shown=frozenset(shown),
        ended=frozenset(ended),
        is_over=set(shown) == set(ended),
    )


def verdict(told: list[Delivery], lives: list[Life], *kills: Kill) -> Verdict:
    return judge(told, lives, kills, frozenset({BLIND}))


def test_a_run_in_which_all_was_told_once_and_truly_has_no_violation() -> None:
    told = [
        post(12, "001x0000", ts="1.0"),
        post(20, "001x0001", thread="1.0"),
        edit(22, "1.0", "001x0000", "001x0001"),
        edit(60, "1.0", "001x0000", "001x0001", ended=("001x0000", "001x0001")),
    ]
    result = verdict(told, [life("001x0000"), life("001x0001")])
    assert result.violations() == []
    assert (result.expected, result.shown) == (2, 2)


def test_an_acknowledged_alert_that_no_message_names_is_lost() -> None:
    told = [post(12, "001x0000", ts="1.0"), edit(60, "1.0", "001x0000", ended=("001x0000",))]
    result = verdict(told, [life("001x0000"), life("001x0001")])
    assert result.violations() == ["alert 001x0001 was acknowledged and never shown"]


def test_an_alert_that_was_never_acknowledged_may_be_missing() -> None:
    assert verdict([], [life("001x0000", fired_at=None)]).violations() == []


def test_a_resolved_group_whose_last_message_fires_is_stale() -> None:
    result = verdict([post(12, "001x0000", ts="1.0")], [life("001x0000")])
    assert result.violations() == [
        "group 1: message 1.0 says that 001x0000 fires, in truth it is nothing"
    ]


def test_a_firing_group_whose_last_message_is_resolved_is_stale() -> None:
    told = [post(60, "001x0000", ended=("001x0000",), ts="1.0")]
    lives = [life("001x0000"), life("001x0001", ends_at=math.inf)]
    assert any("in truth it is 001x0001" in text for text in verdict(told, lives).violations())


def test_a_group_that_still_fires_in_the_end_is_to_say_so() -> None:
    told = [post(12, "001x0000", ts="1.0")]
    assert verdict(told, [life("001x0000", ends_at=math.inf)]).violations() == []


def test_an_earlier_message_that_still_fires_was_left_behind() -> None:
    told = [
        post(12, "001x0000", ts="1.0"),
        post(60, "001x0001", ts="2.0"),
        edit(70, "2.0", "001x0001", ended=("001x0001",)),
    ]
    result = verdict(told, [life("001x0000"), life("001x0001")])
    assert result.violations() == ["group 1: message 1.0 was left behind, and says that it fires"]


def test_a_reply_does_not_count_as_the_state_of_its_group() -> None:
    told = [
        post(12, "001x0000", ts="1.0"),
        edit(60, "1.0", "001x0000", "001x0001", ended=("001x0000", "001x0001")),
        post(61, "001x0001", thread="1.0"),
    ]
    assert verdict(told, [life("001x0000"), life("001x0001")]).stale == []


def test_two_posts_with_one_delivery_id_are_never_allowed() -> None:
    told = [
        post(12, "001x0000", ts="1.0", delivery_id="d", team=BLIND, answered=False),
        post(13, "001x0000", ts="2.0", delivery_id="d", team=BLIND),
        edit(60, "1.0", "001x0000", ended=("001x0000",)),
        edit(60, "2.0", "001x0000", ended=("001x0000",)),
    ]
    result = verdict(told, [life("001x0000")], Kill(12.5, frozenset({"d"})))
    assert len(result.violations()) == 1
    assert "told twice of 001x0000: ts 1.0 and 2.0" in result.violations()[0]


def repeated(team: str, *, answered: bool = True) -> list[Delivery]:
    return [
        post(12, "001x0000", ts="1.0", delivery_id="d", team=team, answered=answered),
        post(20, "001x0000", ts="2.0", team=team),
        edit(60, "2.0", "001x0000", ended=("001x0000",)),
    ]


def test_a_post_in_flight_at_a_kill_may_be_repeated_where_history_cannot_be_read() -> None:
    result = verdict(repeated(BLIND), [life("001x0000")], Kill(13, frozenset({"d"})))
    assert result.violations() == []
    assert (len(result.repeats), result.excused) == (1, 1)


def test_the_same_repeat_is_a_violation_where_history_can_be_read() -> None:
    result = verdict(repeated(SIGHTED), [life("001x0000")], Kill(13, frozenset({"d"})))
    assert any("told twice" in text for text in result.violations())


def test_a_repeat_of_what_was_not_in_flight_is_a_violation() -> None:
    result = verdict(repeated(BLIND), [life("001x0000")], Kill(13, frozenset({"other"})))
    assert any("told twice" in text for text in result.violations())


def test_a_kill_after_the_repeat_excuses_nothing() -> None:
    result = verdict(repeated(BLIND), [life("001x0000")], Kill(30, frozenset({"d"})))
    assert any("told twice" in text for text in result.violations())


def test_a_post_whose_answer_was_withheld_may_be_repeated_where_history_cannot_be_read() -> None:
    result = verdict(repeated(BLIND, answered=False), [life("001x0000")])
    assert result.violations() == []


def test_a_reply_that_names_what_was_told_before_is_a_repeat() -> None:
    told = [
        post(12, "001x0000", ts="1.0"),
        post(20, "001x0000", thread="1.0"),
        edit(60, "1.0", "001x0000", ended=("001x0000",)),
    ]
    assert len(verdict(told, [life("001x0000")]).violations()) == 1


def test_a_reminder_is_counted_and_is_no_repeat() -> None:
    told = [
        post(12, "001x0000", ts="1.0"),
        post(20, "001x0000", thread="1.0", reminder=True),
        edit(60, "1.0", "001x0000", ended=("001x0000",)),
    ]
    result = verdict(told, [life("001x0000")])
    assert result.violations() == []
    assert result.reminders == 1


def test_an_alert_shown_as_resolved_while_it_fires_is_untrue() -> None:
    told = [
        post(12, "001x0000", ts="1.0"),
        edit(49, "1.0", "001x0000", ended=("001x0000",)),
    ]
    result = verdict(told, [life("001x0000")])
    assert result.violations() == ["alert 001x0000 was shown as resolved while it fired"]


def test_an_alert_that_nobody_sent_and_is_shown_as_resolved_is_untrue() -> None:
    told = [post(60, "001x0000", ended=("001x0000",))]
    assert verdict(told, []).untrue != []

"""The life of a group: what is posted, replied and edited, when, and for what reason.

Times are seconds; a story begins at 1000. Defaults: group wait 1 s, group interval 300 s, edits
after 2 s, repeat after 12 h.
"""

import pytest

from tests.unit.factories import receiver
from tests.unit.pipeline.story import Story, summary
from tocsin.errors import SlackAmbiguous
from tocsin.model.group import Operation
from tocsin.model.reason import Reason
from tocsin.model.signal import Status
from tocsin.pipeline import outcomes
from tocsin.pipeline.flushing import present

POST, REPLY, EDIT = Operation.POST, Operation.REPLY, Operation.EDIT
FIRST = (POST, Reason.FIRST)
EDITED = (EDIT, Reason.STATE_CHANGED)
HOUR = 3600.0


def subscribed(**subscription: object) -> Story:
    made = receiver(builtin=[], subscriptions=[{"name": "s", "source": "alerts", **subscription}])
    return Story([made])


def test_a_first_message_waits_the_group_wait_and_takes_the_others_along() -> None:
    story = Story()
    story.hear("a")
    story.hear("b")
    assert story.at(1000.9) == []
    (sent,) = story.at(1001)
    assert summary([sent]) == [FIRST]
    assert "2" in sent.message.text


def test_a_repeat_that_changes_nothing_writes_no_row_and_says_nothing() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.step.signals.clear()
    story.step.groups.clear()
    story.now = 1060
    story.hear("a", starts_at=999.0, ends_at=1241.0)
    assert story.step.signals == {}
    assert story.step.groups == {}
    assert story.at(1062) == []


def test_invariant_7_a_lease_is_written_again_once_half_of_it_has_passed() -> None:
    story = Story()
    key = story.hear("a", starts_at=999.0, ends_at=1240.0)
    story.step.signals.clear()
    story.now = 1130
    story.hear("a", starts_at=999.0, ends_at=1370.0)
    assert key in story.step.signals


def test_one_more_alert_is_edited_in_at_once_and_told_after_the_group_interval() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.hear("b")
    assert summary(story.at(1102)) == [EDITED]
    assert story.at(1300) == []
    assert summary(story.at(1301)) == [(REPLY, Reason.NEW_ALERTS)]


def test_a_group_that_was_quiet_for_the_interval_tells_at_once() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.at(1301)
    story.now = 2000
    story.hear("b")
    assert summary(story.at(2001)) == [(REPLY, Reason.NEW_ALERTS)]


def test_a_worse_alert_is_told_as_a_rise_in_severity() -> None:
    story = subscribed(groupBy=["alertname"])
    story.hear("a", labels={"alertname": "Down", "severity": "warning"})
    story.at(1001)
    story.now = 2000
    story.hear("a", labels={"alertname": "Down", "severity": "critical"})
    assert summary(story.at(2001)) == [(REPLY, Reason.SEVERITY_ROSE)]


def test_invariant_13_the_end_is_a_quiet_edit() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.end("a")
    assert summary(story.at(1102)) == [EDITED]


def test_invariant_12_an_ended_group_is_forgotten_and_the_next_firing_is_a_new_message() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.end("a")
    story.at(1102)
    assert story.at(1301) == []
    assert story.memory.groups == {}
    assert story.memory.signals == {}
    story.now = 5000
    story.hear("a")
    assert summary(story.at(5001)) == [FIRST]


def test_a_group_does_not_end_before_its_end_was_shown() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.end("a")
    ((group, entry),) = story.due(1102)
    story.at(1301)
    assert story.memory.groups
    story.succeed(group, entry)
    story.at(1601)
    assert story.memory.groups == {}


def test_a_refire_within_the_interval_is_a_reply_in_the_same_thread() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.end("a")
    story.at(1102)
    story.now = 1150
    story.hear("a")
    assert summary(story.at(1152)) == [EDITED]
    assert summary(story.at(1301)) == [(REPLY, Reason.NEW_ALERTS)]


def test_what_still_fires_is_told_again_after_the_repeat_interval() -> None:
    story = subscribed(repeatInterval="4h")
    story.hear("a", ends_at=None)
    story.at(1001)
    told = [summary(story.at(1001 + minute * 60)) for minute in range(1, 4 * 60 + 6)]
    assert [each for each in told if each] == [[(REPLY, Reason.REPEAT)]]
    assert not any(told[: 4 * 60 - 1])


def test_invariant_6_an_alert_that_is_over_before_its_group_wait_is_told_all_the_same() -> None:
    story = Story()
    story.hear("a")
    story.now = 1000.5
    story.end("a")
    (sent,) = story.at(1001)
    assert summary([sent]) == [FIRST]
    assert story.at(1301) == []
    assert story.memory.groups == {}


def test_an_end_of_what_was_never_heard_of_says_nothing() -> None:
    story = Story()
    story.end("a")
    assert story.memory.signals == {}
    assert story.at(1001) == []


def test_without_send_resolved_the_end_is_not_shown_and_the_group_ends() -> None:
    story = subscribed(sendResolved=False)
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.end("a")
    assert story.at(1102) == []
    assert story.at(1301) == []
    assert story.memory.groups == {}


def test_updates_edit_never_replies() -> None:
    story = subscribed(updates="Edit", groupInterval="1m")
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.hear("b")
    assert summary(story.at(1102)) == [EDITED]
    assert story.at(1200) == []


def test_updates_post_never_edits_and_posts_the_end() -> None:
    story = subscribed(updates="Post")
    story.hear("a")
    assert summary(story.at(1001)) == [FIRST]
    story.now = 1100
    story.hear("b")
    assert story.at(1102) == []
    assert summary(story.at(1301)) == [(POST, Reason.NEW_ALERTS)]
    story.now = 1400
    story.end("a")
    story.end("b")
    assert summary(story.at(1601)) == [(POST, Reason.ALL_RESOLVED)]
    story.at(1901)
    assert story.memory.groups == {}


def test_each_channel_is_told_on_its_own() -> None:
    story = Story([receiver(channels=["ops", "dev"])])
    story.hear("a")
    first, second = story.due(1001)
    story.succeed(*first)
    assert [entry.channel for _, entry in (first, second)] == ["ops", "dev"]
    assert second[1].notify is Reason.FIRST


def test_a_channel_gets_no_alert_that_an_earlier_entry_took_for_it() -> None:
    story = Story(
        [
            receiver(
                builtin=[],
                channels=["ops", "dev"],
                subscriptions=[
                    {
                        "name": "pod-a",
                        "source": "alerts",
                        "channels": ["ops"],
                        "matchers": [{"name": "pod", "value": "alpha"}],
                    },
                    {"name": "rest", "source": "alerts"},
                ],
            )
        ]
    )
    story.hear("alpha")
    story.hear("beta")
    shown = sorted(
        (each.channel, [pod for pod in ("alpha", "beta") if pod in str(each.message)])
        for each in story.at(1001)
    )
    assert shown == [("dev", ["alpha", "beta"]), ("ops", ["alpha"]), ("ops", ["beta"])]


def test_invariant_11_a_mute_time_holds_the_whole_group_back_at_the_flush() -> None:
    muted = receiver(muteTimes=[{"times": [{"startTime": "00:00", "endTime": "01:00"}]}])
    story = Story([muted])
    story.hear("a", ends_at=None)
    assert story.at(1001) == []
    assert summary(story.at(HOUR + 1)) == [FIRST]


def test_invariant_16_nothing_else_starts_while_an_outcome_is_unknown() -> None:
    story = Story()
    story.hear("a")
    ((group, entry),) = story.due(1001)
    story.begin(group, entry)
    story.now = 1100
    story.hear("b")
    assert story.due(1102) == []
    assert story.due(1301) == []
    outcomes.retry(entry, SlackAmbiguous("unknown"))
    sent = story.succeed(group, entry)
    assert summary([sent]) == [FIRST]
    assert "2" in sent.message.text, "a second try shows the newest state"


def test_invariant_17_one_fresh_post_takes_the_place_of_a_message_that_is_gone() -> None:
    story = Story()
    story.hear("a")
    story.at(1001)
    story.now = 1100
    story.hear("b")
    ((group, entry),) = story.due(1102)
    assert story.begin(group, entry).operation is EDIT
    outcomes.replace(entry)
    assert story.succeed(group, entry).operation is POST
    assert story.due(1103) == []


async def test_a_disabled_receiver_sends_nothing_and_replays_nothing_that_is_over() -> None:
    story = Story()
    story.hear("over")
    story.at(1001)
    await story.adopt(receiver(enabled=False))
    story.now = 1100
    story.end("over")
    story.hear("missed", ends_at=None)
    story.hear("lasting", ends_at=None)
    assert story.at(1102) == []
    assert story.at(1301) == []
    story.now = 1400
    story.end("missed")
    assert story.at(1601) == []
    await story.adopt(receiver(enabled=True))
    sent = story.at(1700)
    assert summary(sent) == [(REPLY, Reason.NEW_ALERTS), EDITED]
    assert not any("missed" in str(each.message) for each in sent)


async def test_what_ends_between_two_looks_at_a_disabled_receiver_is_not_told_later() -> None:
    story = Story()
    await story.adopt(receiver(enabled=False))
    story.hear("brief", ends_at=None)
    assert story.at(1001) == []
    story.end("brief")
    await story.adopt(receiver(enabled=True))
    assert story.at(1010) == []
    assert not story.memory.signals


async def test_an_end_while_a_receiver_is_disabled_is_shown_afterwards() -> None:
    story = Story()
    story.hear("a", ends_at=None)
    story.at(1001)
    await story.adopt(receiver(enabled=False))
    story.now = 1100
    story.end("a")
    assert story.at(1401) == []
    await story.adopt(receiver(enabled=True))
    (edit,) = story.at(1402)
    assert summary([edit]) == [EDITED]
    assert "Resolved" in str(edit.message)


async def test_a_changed_channel_list_is_in_force_at_once() -> None:
    story = Story([receiver(channels=["ops"])])
    story.hear("a", ends_at=None)
    story.at(1001)
    await story.adopt(receiver(channels=["dev"]))
    assert [(each.channel, each.reason) for each in story.at(1001)] == [("dev", Reason.FIRST)]


async def test_a_deleted_receiver_is_forgotten() -> None:
    story = Story()
    story.hear("a", ends_at=None)
    story.at(1001)
    await story.adopt()
    assert story.memory.groups == {}
    assert story.at(5000) == []


async def test_a_new_receiver_hears_what_fires_already() -> None:
    story = Story([])
    story.hear("a", ends_at=None)
    assert story.telemetry.reasons == [Reason.NO_MATCH]
    await story.adopt(receiver())
    assert summary(story.at(1001)) == [FIRST]


async def test_a_subscription_that_takes_less_lets_go_of_the_rest() -> None:
    story = Story()
    story.hear("a", ends_at=None)
    story.at(1001)
    only_b = {"name": "s", "source": "alerts", "matchers": [{"name": "pod", "value": "b"}]}
    await story.adopt(receiver(builtin=[], subscriptions=[only_b]))
    assert story.memory.groups == {}


async def test_a_resource_that_only_changed_its_generation_changes_nothing() -> None:
    story = Story()
    story.hear("a", ends_at=None)
    story.at(1001)
    await story.adopt(receiver())
    assert story.at(1001) == []


def test_an_instant_signal_is_told_once_and_its_group_ends() -> None:
    story = Story()
    story.hear("a", status=Status.INSTANT, ends_at=1000.0, idempotency_key="k")
    assert summary(story.at(1001)) == [FIRST]
    assert story.at(1301) == []
    assert story.memory.groups == {}


def test_an_instant_signal_that_no_receiver_takes_is_not_kept() -> None:
    story = Story([])
    story.hear("a", status=Status.INSTANT, ends_at=1000.0, idempotency_key="k")
    assert story.memory.signals == {}
    assert list(story.step.signals) == []


@pytest.mark.parametrize("operation", [POST, EDIT])
def test_a_dead_delivery_is_tried_again_only_for_news(operation: Operation) -> None:
    story = Story()
    key = story.hear("a", ends_at=None)
    if operation is EDIT:
        story.at(1001)
        story.now = 1100
        story.hear("b", ends_at=None)
    ((group, entry),) = story.due(story.now + 2)
    story.begin(group, entry)
    why = (Reason.PAYLOAD_REFUSED, "invalid_blocks")
    seen = present(story.memory, group)
    outcomes.give_up(entry, story.tally, why, (seen.firing, seen.severity), story.now)
    assert key in entry.told
    assert story.at(1400) == []
    assert story.tally.failed == 1
    assert "PayloadRefused" in story.tally.last_error
    story.now = 2000
    story.hear("c", ends_at=None)
    assert Reason.NEW_ALERTS in [reason for _, reason in summary(story.at(2001))]


async def test_what_waits_while_a_receiver_is_disabled_is_decided_anew_when_it_is_not() -> None:
    story = Story()
    story.hear("a", ends_at=None)
    assert len(story.due(1001)) == 1, "wanted, and held up by Slack's limits"
    await story.adopt(receiver(enabled=False))
    assert story.due(1002) == []
    await story.adopt(receiver(enabled=True))
    assert summary(story.at(1003)) == [FIRST]


def test_a_lease_that_is_held_for_longer_sets_no_further_timer() -> None:
    story = Story()
    story.hear("a", starts_at=999.0, ends_at=1240.0)
    for minute in range(1, 50):
        story.now = 1000 + minute * 60
        story.hear("a", starts_at=999.0, ends_at=story.now + 240)
    assert story.memory.ended_leases(story.now, 100) == []
    assert len(story.memory._leases) == 1

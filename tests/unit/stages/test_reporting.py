"""Statuses and announcements, from facts."""

from dataclasses import replace
from typing import Any

import pytest

from tocsin.model.facts import (
    Announcement,
    ChannelFacts,
    ChannelLook,
    ConfigFacts,
    ReceiverFacts,
    Verdict,
)
from tocsin.model.statuses import Capability
from tocsin.model.tally import Tally
from tocsin.model.workspace import Identity, TokenType
from tocsin.stages.reporting import DISABLED, difference, report_config, report_receiver

NOW = 1_790_000_000.0
NOW_TEXT = "2026-09-21T14:13:20Z"
LATER = NOW + 3600
LATER_TEXT = "2026-09-21T15:13:20Z"

READY = Verdict(True, "Verified", "Slack accepts the token")
GONE = Verdict(False, "SecretNotFound", "Secret slack-token does not exist", may_pass=True)
WRONG = Verdict(False, "Invalid", "spec.channels: names a more than once")
GOOD = Verdict(True, "Succeeded", "sends with SlackConfig monitoring/acme")

IDENTITY = Identity(
    team_id="T1",
    team="Acme",
    user_id="U1",
    user="tocsin",
    bot_id="B1",
    token_type=TokenType.BOT,
    scopes=frozenset({"chat:write", "channels:read"}),
    url="https://acme.slack.com/",
)


def _look(name: str = "#a", reachable: Any = "True", **fields: str) -> ChannelLook:
    return ChannelLook(
        name=name,
        id=fields.get("id", ""),
        reachable=reachable,
        reason=fields.get("reason", ""),
        message=fields.get("message", ""),
    )


def _not_in(name: str = "#a") -> ChannelLook:
    message = 'the app is not a member; type "/invite @tocsin" there'
    return _look(name, "False", reason="NotInChannel", message=message)


def _unknown(name: str = "#a") -> ChannelLook:
    message = "cannot be looked up: scope channels:read is missing"
    return _look(name, "Unknown", reason="ScopeMissing", message=message)


def _channel(look: ChannelLook, waiting: int = 0, **tally: Any) -> ChannelFacts:
    return ChannelFacts(look, Tally(**tally), waiting)


def _receiver(*channels: ChannelFacts, verdict: Verdict = GOOD, **facts: Any) -> ReceiverFacts:
    return ReceiverFacts(generation=3, verdict=verdict, channels=channels, **facts)


def _status(facts: ReceiverFacts, shown: dict[str, Any] | None = None) -> dict[str, Any]:
    return report_receiver(facts, shown or {}, NOW).status


def _condition(status: dict[str, Any], kind: str) -> tuple[str, str, str]:
    (found,) = (each for each in status["conditions"] if each["type"] == kind)
    return found["status"], found["reason"], found["message"]


def _types(status: dict[str, Any]) -> list[str]:
    return [each["type"] for each in status["conditions"]]


def test_a_ready_config_shows_who_posts_where() -> None:
    facts = ConfigFacts(
        generation=2,
        verdict=READY,
        identity=IDENTITY,
        capabilities=(Capability(name="ChannelChecks", available=True),),
        receivers=4,
        verified_at=NOW,
    )
    assert report_config(facts, {}, NOW).status == {
        "observedGeneration": 2,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Verified",
                "message": "Slack accepts the token",
                "lastTransitionTime": NOW_TEXT,
                "observedGeneration": 2,
            }
        ],
        "team": {"id": "T1", "name": "Acme", "url": "https://acme.slack.com/"},
        "bot": {"id": "B1", "userId": "U1", "name": "tocsin"},
        "tokenType": "Bot",
        "scopes": ["channels:read", "chat:write"],
        "capabilities": [{"name": "ChannelChecks", "available": True, "missingScopes": []}],
        "receivers": 4,
        "lastVerifiedTime": NOW_TEXT,
    }


def test_a_users_token_has_no_bot_id() -> None:
    user = replace(IDENTITY, bot_id="", token_type=TokenType.USER, url="")
    status = report_config(ConfigFacts(1, READY, identity=user), {}, NOW).status
    assert status["bot"] == {"userId": "U1", "name": "tocsin"}
    assert status["team"] == {"id": "T1", "name": "Acme"}
    assert status["tokenType"] == "User"


def test_what_is_not_known_of_a_config_is_absent() -> None:
    status = report_config(ConfigFacts(1, GONE), {}, NOW).status
    assert status.keys() == {
        "observedGeneration",
        "conditions",
        "scopes",
        "capabilities",
        "receivers",
    }


def test_what_may_pass_is_reconciling_and_what_needs_a_change_is_stalled() -> None:
    passing = report_config(ConfigFacts(1, GONE), {}, NOW).status
    assert _types(passing) == ["Ready", "Reconciling"]
    assert _condition(passing, "Ready") == ("False", GONE.reason, GONE.message)
    assert _condition(passing, "Reconciling") == ("True", GONE.reason, GONE.message)
    stalled = report_config(ConfigFacts(1, WRONG), {}, NOW).status
    assert _types(stalled) == ["Ready", "Stalled"]
    assert _condition(stalled, "Stalled") == ("True", WRONG.reason, WRONG.message)


def test_a_condition_keeps_its_time_while_its_status_is_the_same() -> None:
    shown = report_config(ConfigFacts(1, READY), {}, NOW).status
    other = replace(READY, reason="Refreshed")
    same = report_config(ConfigFacts(2, other), shown, LATER).status
    assert same["conditions"][0]["lastTransitionTime"] == NOW_TEXT
    assert same["conditions"][0]["reason"] == "Refreshed"
    flipped = report_config(ConfigFacts(2, GONE), shown, LATER).status
    assert {each["lastTransitionTime"] for each in flipped["conditions"]} == {LATER_TEXT}


@pytest.mark.parametrize("conditions", [None, [], [{}], ["text"], [{"type": "Ready"}]])
def test_conditions_that_others_have_spoilt_do_not_matter(conditions: Any) -> None:
    status = report_config(ConfigFacts(1, READY), {"conditions": conditions}, NOW).status
    assert status["conditions"][0]["lastTransitionTime"] == NOW_TEXT


def test_no_token_reaches_a_status_or_an_announcement() -> None:
    verdict = Verdict(False, "Bad", "token xoxb-1-secret is bad")
    report = report_config(ConfigFacts(1, verdict), {}, NOW)
    assert "xoxb" not in str(report)
    channel = _channel(_look("#a", "False", message="xoxb-2-secret"), last_error="xoxb-3-secret")
    assert "xoxb" not in str(report_receiver(_receiver(channel), {}, NOW))


def test_a_receiver_whose_channels_take_messages_delivers() -> None:
    tally = {"sent": 5, "failed": 1, "last_sent_at": NOW, "last_error": "PayloadRefused: too long"}
    status = _status(_receiver(_channel(_look("#a", id="C1"), waiting=2, **tally)))
    assert status["observedGeneration"] == 3
    assert _types(status) == ["Ready", "Delivering"]
    assert _condition(status, "Ready") == ("True", GOOD.reason, GOOD.message)
    assert _condition(status, "Delivering")[:2] == ("True", "Delivered")
    assert status["channels"] == [
        {
            "name": "#a",
            "id": "C1",
            "reachable": "True",
            "lastSentTime": NOW_TEXT,
            "lastError": "PayloadRefused: too long",
            "sent": 5,
            "failed": 1,
            "pending": 2,
        }
    ]


def test_totals_sum_over_the_channels() -> None:
    status = _status(
        _receiver(
            _channel(_look("#a"), waiting=1, sent=2, failed=3, last_sent_at=NOW),
            _channel(_not_in("#b"), waiting=4, sent=5, failed=6, last_sent_at=LATER),
        )
    )
    assert status["totals"] == {
        "channels": 2,
        "reachable": 1,
        "sent": 7,
        "failed": 9,
        "pending": 5,
        "lastSentTime": LATER_TEXT,
    }


def test_a_receiver_that_had_nothing_to_send_delivers_if_its_channels_are_reachable() -> None:
    status = _status(_receiver(_channel(_look())))
    assert _condition(status, "Delivering")[:2] == ("True", "Reachable")
    assert "lastSentTime" not in status["totals"]


def test_an_unreachable_channel_is_no_reason_not_to_be_ready() -> None:
    status = _status(_receiver(_channel(_look("#a"), sent=1), _channel(_not_in("oncall"))))
    assert _condition(status, "Ready")[0] == "True"
    assert _condition(status, "Delivering") == (
        "False",
        "NotInChannel",
        '#oncall: the app is not a member; type "/invite @tocsin" there',
    )
    assert status["channels"][1]["reason"] == "NotInChannel"


def test_a_message_that_names_the_channel_is_not_prefixed_by_it() -> None:
    look = _look("ops", "False", reason="NotInChannel", message="the app is not in #ops")
    message = _condition(_status(_receiver(_channel(look))), "Delivering")[2]
    assert message == "the app is not in #ops"


def test_that_messages_wait_is_said_without_a_number() -> None:
    status = _status(_receiver(_channel(_not_in("#a"), waiting=17)))
    assert _condition(status, "Delivering")[2].endswith("there; its messages wait")
    assert "17" not in str(status["conditions"])


def test_of_many_unreachable_channels_the_first_five_are_named() -> None:
    names = [f"#c{number}" for number in range(6)]
    message = _condition(
        _status(_receiver(*(_channel(_not_in(name)) for name in names))), "Delivering"
    )[2]
    assert message.count(" | ") == 5
    assert "#c4: " in message
    assert "#c5" not in message
    assert message.endswith("and more channels, see status.channels")
    five = _status(_receiver(*(_channel(_not_in(name)) for name in names[:5])))
    assert "more channels" not in _condition(five, "Delivering")[2]


@pytest.mark.parametrize("name", ["C024BE91L", "U024BE7LH"])
def test_ids_are_named_without_a_hash(name: str) -> None:
    message = _condition(_status(_receiver(_channel(_not_in(name)))), "Delivering")[2]
    assert message.startswith(f"{name}: ")


def test_a_channel_that_cannot_be_looked_up_is_unknown_until_it_took_a_message() -> None:
    before = _status(_receiver(_channel(_look("#b")), _channel(_unknown("#a"))))
    assert before["channels"][1]["reachable"] == "Unknown"
    assert _condition(before, "Delivering") == (
        "Unknown",
        "ScopeMissing",
        "#a: cannot be looked up: scope channels:read is missing",
    )
    after = _status(_receiver(_channel(_unknown(), sent=1, last_sent_at=NOW, channel_id="C1")))
    assert after["channels"][0]["reachable"] == "True"
    assert after["channels"][0]["reason"] == "Delivered"
    assert after["channels"][0]["id"] == "C1"
    assert _condition(after, "Delivering")[:2] == ("True", "Delivered")


@pytest.mark.parametrize("look", [_unknown(), _not_in(), _look()], ids=["Unknown", "False", "True"])
def test_a_delivery_that_slack_refused_is_believed_while_messages_wait(look: ChannelLook) -> None:
    blocked: dict[str, Any] = {
        "blocked": "is_archived",
        "blocked_message": "the channel is archived",
    }
    status = _status(_receiver(_channel(look, waiting=1, sent=3, **blocked)))
    assert status["channels"][0]["reachable"] == "False"
    assert _condition(status, "Delivering") == (
        "False",
        "IsArchived",
        "#a: the channel is archived; its messages wait",
    )


def test_a_block_ends_when_the_channel_is_seen_open_and_nothing_waits() -> None:
    blocked: dict[str, Any] = {"blocked": "NotInChannel", "blocked_message": "not a member"}
    open_again = _status(_receiver(_channel(_look(), **blocked)))
    assert open_again["channels"][0]["reachable"] == "True"
    not_known = _status(_receiver(_channel(_unknown(), **blocked)))
    assert not_known["channels"][0]["reason"] == "NotInChannel"


def test_a_receiver_that_is_not_ready_does_not_deliver_for_the_same_reason() -> None:
    status = _status(_receiver(_channel(_look()), verdict=WRONG))
    assert _condition(status, "Delivering") == ("False", WRONG.reason, WRONG.message)


def test_a_disabled_receiver_is_healthy_and_says_so() -> None:
    verdict = Verdict(True, DISABLED, "nothing is sent: spec.enabled is false")
    look = _look("#a", "Unknown", reason=DISABLED)
    status = _status(_receiver(_channel(look, sent=3), verdict=verdict, enabled=False))
    assert _condition(status, "Ready") == ("True", DISABLED, verdict.message)
    assert _condition(status, "Delivering") == ("Unknown", DISABLED, verdict.message)
    assert _types(status) == ["Ready", "Delivering"]
    assert status["channels"][0]["reachable"] == "Unknown"
    assert status["totals"]["sent"] == 3


def test_two_names_of_one_channel_are_mentioned_and_harmless() -> None:
    channels = (
        _channel(_look("#a", id="C1")),
        _channel(_look("#b", id="C2")),
        _channel(_look("C024BE91L", id="C1")),
    )
    status, reason, message = _condition(_status(_receiver(*channels)), "Ready")
    assert (status, reason) == ("True", "SameChannel")
    assert message == (
        f"{GOOD.message}; #a and C024BE91L are the same channel: keep one name of it"
    )
    not_ready = _condition(_status(_receiver(*channels, verdict=WRONG)), "Ready")
    assert not_ready == ("False", WRONG.reason, WRONG.message)


def test_channels_without_an_id_are_not_taken_for_the_same() -> None:
    status = _status(_receiver(_channel(_unknown("#a")), _channel(_unknown("#b"))))
    assert _condition(status, "Ready")[1] == GOOD.reason


def test_a_receiver_without_channels_to_look_at_has_a_status() -> None:
    status = _status(_receiver(verdict=WRONG))
    assert status["channels"] == []
    assert status["totals"]["channels"] == 0


def test_a_flip_of_ready_is_announced_once() -> None:
    warning = Announcement(GONE.reason, GONE.message, True)
    healthy = report_config(ConfigFacts(1, READY), {}, NOW)
    assert healthy.announcements == ()
    broken = report_config(ConfigFacts(1, GONE), healthy.status, NOW)
    assert broken.announcements == (warning,)
    still = report_config(ConfigFacts(1, GONE), broken.status, NOW)
    assert still.announcements == ()
    mended = report_config(ConfigFacts(1, READY), still.status, NOW)
    assert mended.announcements == (Announcement(READY.reason, READY.message, False),)


def test_a_new_object_that_is_not_ready_is_announced() -> None:
    assert len(report_config(ConfigFacts(1, WRONG), {}, NOW).announcements) == 1


def test_channels_that_close_and_open_are_announced() -> None:
    fine = report_receiver(_receiver(_channel(_look("#a"))), {}, NOW)
    closed = report_receiver(_receiver(_channel(_not_in("#a"))), fine.status, NOW)
    assert closed.announcements == (
        Announcement(
            "NotInChannel",
            '#a: the app is not a member; type "/invite @tocsin" there',
            True,
        ),
    )
    still = report_receiver(_receiver(_channel(_not_in("#a"))), closed.status, NOW)
    assert still.announcements == ()
    unknown = report_receiver(_receiver(_channel(_unknown("#a"))), closed.status, NOW)
    assert unknown.announcements == ()
    again = report_receiver(_receiver(_channel(_look("#a"))), still.status, NOW)
    assert again.announcements == (
        Announcement("ChannelReachable", "#a: messages can be posted again", False),
    )


def test_a_new_receivers_unreachable_channel_is_announced() -> None:
    report = report_receiver(_receiver(_channel(_not_in("#a"))), {"channels": None}, NOW)
    assert [each.reason for each in report.announcements] == ["NotInChannel"]


@pytest.mark.parametrize(
    ("shown", "wanted", "patch"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2, "b": [1]}, {"a": 2, "b": [1]}),
        ({"a": 1, "b": 2}, {"a": 1}, {"b": None}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, {"a": {"y": None}}),
        ({"a": {"x": 1}}, {"a": {"x": 1}}, {}),
        ({"a": 1}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({}, {"a": {"x": 1}}, {"a": {"x": 1}}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({}, {"a": None}, {"a": None}),
    ],
)
def test_a_difference_is_the_merge_patch_between_two_statuses(
    shown: dict[str, Any], wanted: dict[str, Any], patch: dict[str, Any]
) -> None:
    assert difference(shown, wanted) == patch

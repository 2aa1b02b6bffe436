from datetime import datetime, timedelta, timezone

from tocsin.model.conditions import Condition
from tocsin.model.statuses import ChannelStatus, SlackConfigStatus, SlackReceiverStatus, Totals

_MOMENT = datetime(2026, 2, 28, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))


def test_a_status_is_written_in_camel_case_without_what_is_unknown() -> None:
    status = SlackReceiverStatus(
        observed_generation=3,
        conditions=(
            Condition(
                type="Ready",
                status="True",
                reason="Succeeded",
                last_transition_time=_MOMENT,
                observed_generation=3,
            ),
        ),
        channels=(ChannelStatus(name="#ops", reachable="Unknown", last_sent_time=_MOMENT),),
        totals=Totals(channels=1, sent=2),
    )
    assert status.model_dump(mode="json", by_alias=True, exclude_none=True) == {
        "observedGeneration": 3,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "Succeeded",
                "message": "",
                "lastTransitionTime": "2026-02-28T10:00:00Z",
                "observedGeneration": 3,
            }
        ],
        "channels": [
            {
                "name": "#ops",
                "reachable": "Unknown",
                "lastSentTime": "2026-02-28T10:00:00Z",
                "sent": 0,
                "failed": 0,
                "pending": 0,
            }
        ],
        "totals": {"channels": 1, "reachable": 0, "sent": 2, "failed": 0, "pending": 0},
    }


def test_an_empty_status_says_that_nothing_was_looked_at() -> None:
    assert SlackConfigStatus().observed_generation == -1


def test_long_words_of_others_are_cut() -> None:
    channel = ChannelStatus(name="#ops", reachable="False", last_error="x" * 5_000)
    assert channel.last_error == "x" * 1_023 + "…"

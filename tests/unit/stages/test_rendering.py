"""Rendering: the messages that people read, as goldens, and the rules behind them."""

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from lab.slack.content import read_edit
from tests.unit.stages.rendering_views import (
    DISKS,
    GOLDENS,
    REPLIES,
    START,
    STATES,
    alert,
    as_json,
    audit_record,
    crash,
    group,
    rendered,
)
from tests.unit.stages.slack_limits import violations
from tocsin.model.message import Message
from tocsin.model.reason import Reason
from tocsin.stages.rendering import render_reply, render_state

MESSAGES = rendered()


def words(message: Message) -> str:
    """All that a message shows, a line a text object."""
    blocks: list[Any] = [*message.blocks]
    for attachment in message.attachments:
        blocks += attachment["blocks"]
    return "\n".join((block.get("text") or block["elements"][0])["text"] for block in blocks)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_as_its_golden(name: str) -> None:
    assert as_json(MESSAGES[name]) == (GOLDENS / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_keeps_to_slacks_limits(name: str) -> None:
    message = MESSAGES[name]
    assert violations(message) == []
    read_edit(
        {
            "text": message.text,
            "blocks": list(message.blocks),
            "attachments": list(message.attachments),
        }
    )


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == set(MESSAGES)


@pytest.mark.parametrize("name", [*STATES, *REPLIES])
def test_the_order_of_signals_does_not_matter(name: str) -> None:
    view = STATES.get(name) or REPLIES[name]
    shuffled = replace(
        view,
        firing=random.Random(1).sample(view.firing, len(view.firing)),
        resolved=view.resolved[::-1],
        fresh=view.fresh[::-1],
    )
    render = render_state if name in STATES else render_reply
    assert render(shuffled) == MESSAGES[name]


def test_the_fallback_is_one_readable_sentence() -> None:
    assert MESSAGES["state_three_alike"].text == (
        "🔴 3 firing: KubePodCrashLooping in payments (prod-eu) – Pod is crash looping."
    )


def test_without_a_common_summary_the_worst_alert_speaks_on_the_lock_screen() -> None:
    assert MESSAGES["state_different_alerts"].text.endswith(" – Pod is crash looping.")


def test_what_resolved_is_green_and_says_how_long_it_lasted() -> None:
    message = MESSAGES["state_resolved"]
    assert message.attachments[0]["color"] == "#2eb67d"
    assert "lasted 14m" in words(message)


def test_an_alert_that_ended_before_it_was_told_is_told_as_fired_and_resolved() -> None:
    message = MESSAGES["state_fired_and_resolved_while_delayed"]
    assert message.text.startswith("✅ 2 fired and resolved: ")
    assert "over before this could be sent" in words(message)


@pytest.mark.parametrize("end", [START - 5, -1.0, None], ids=["backwards", "never", "unknown"])
def test_an_end_that_makes_no_sense_is_left_out(end: float | None) -> None:
    over = msgspec.structs.replace(crash("a", end=START + 1), ends_at=end)
    assert "began <!date^" in words(render_state(group([], [over], Reason.ALL_RESOLVED)))


def test_a_start_in_the_year_one_is_left_out() -> None:
    message = render_state(group([alert({"alertname": "Watchdog"}, start=-62_135_596_800.0)]))
    assert words(message) == "🟡 Firing: Watchdog"
    assert message.attachments == ()


def test_an_audit_record_does_not_claim_to_fire() -> None:
    message = MESSAGES["state_audit_record"]
    assert message.text == "🟡 Audit record: ResourceChange – admin update configs 'x'"
    assert "firing" not in words(message).lower()
    assert "since" not in words(message)


def test_firing_alerts_and_notices_are_counted_apart() -> None:
    both = render_state(group([crash("a"), crash("b"), audit_record()]))
    assert both.text.startswith("🔴 2 firing, 1 notice: ")
    assert "2 critical, 1 unrated" in words(both)


def test_counts_say_what_did_not_fit() -> None:
    resolved = [crash(f"r{number}", end=START + 60) for number in range(8)]
    shown = words(render_state(group(DISKS, resolved)))
    assert "and 37 more\n" in shown
    assert "and 3 more resolved" in shown
    assert "8 resolved" in shown


def test_a_group_that_resolved_shows_ten_of_its_alerts() -> None:
    resolved = [crash(f"r{number:02}", end=START + 60) for number in range(12)]
    shown = words(render_state(group([], resolved, Reason.ALL_RESOLVED)))
    assert shown.count("`pod=r") == 10
    assert "and 2 more resolved" in shown


def test_a_reminder_says_for_how_long() -> None:
    message = MESSAGES["reply_still_firing"]
    assert message.text.startswith("🔴 47 still firing: ")
    assert "(12h)" in words(message)


def test_a_reply_without_fresh_alerts_is_a_reminder() -> None:
    message = render_reply(group([crash("a")], (), Reason.NEW_ALERTS))
    assert message.text.startswith("🔴 Still firing: ")


def test_a_reply_tells_what_has_resolved_meanwhile() -> None:
    message = render_reply(group([], [crash("a", end=START + 60)], Reason.REPEAT))
    assert message.text.startswith("✅ Resolved: ")
    assert message.attachments[0]["color"] == "#2eb67d"


def test_a_new_alert_is_told_in_full_and_the_others_are_counted() -> None:
    message = MESSAGES["reply_one_new"]
    assert message.text.startswith("🔴 New: ")
    assert "Pod payments/checkout-c (app)" in words(message)
    assert "3 firing in all" in words(message)


def test_a_rise_to_a_severity_without_a_name_is_still_a_rise() -> None:
    worse = alert({"alertname": "Down", "severity": "who knows"})
    mild = alert({"alertname": "Down", "severity": "info"})
    message = render_reply(group([mild, worse], (), Reason.SEVERITY_ROSE, [worse]))
    assert message.text == "🟡 Severity rose: Down"


def test_an_alert_on_its_own_needs_no_row() -> None:
    assert words(MESSAGES["state_one_alert"]).count("🔴") == 1
    again = render_reply(group([crash("a")], (), Reason.NEW_ALERTS, [crash("a")]))
    assert words(again).count("🔴") == 1

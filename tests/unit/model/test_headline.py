"""Headline: in what state, what, where, in one line."""

from collections.abc import Mapping

import pytest

from tocsin.model.headline import counted, fallback, headline, labels_told, state_words
from tocsin.model.message import GroupView
from tocsin.model.overview import Overview, overview
from tocsin.model.reason import Reason
from tocsin.model.signal import Signal, Source, Status


def signal(labels: Mapping[str, str], status: Status = Status.FIRING) -> Signal:
    return Signal(Source.ALERTS, labels, {}, status, 100.0, None, 100.0)


def view(*signals: Signal, reason: Reason = Reason.FIRST) -> GroupView:
    firing = [each for each in signals if each.status is not Status.RESOLVED]
    resolved = [each for each in signals if each.status is Status.RESOLVED]
    return GroupView("ns/r", {}, firing, resolved, 500.0, reason)


def of(*labels: Mapping[str, str]) -> Overview:
    return overview(view(*(signal(each) for each in labels)))


FIRING = signal({"alertname": "A"})
OVER = signal({"alertname": "A"}, Status.RESOLVED)
AUDIT = signal({"alertname": "A", "alerttype": "auditing"}, Status.INSTANT)
EVENT = signal({"alertname": "A", "alerttype": "event"}, Status.INSTANT)
NOTICE = signal({"alertname": "A"}, Status.INSTANT)


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (view(FIRING), "Firing"),
        (view(FIRING, FIRING, OVER), "2 firing"),
        (view(OVER), "Fired and resolved"),
        (view(OVER, OVER), "2 fired and resolved"),
        (view(OVER, reason=Reason.ALL_RESOLVED), "Resolved"),
        (view(OVER, OVER, reason=Reason.STATE_CHANGED), "2 resolved"),
        (view(AUDIT), "Audit record"),
        (view(AUDIT, AUDIT), "2 audit records"),
        (view(EVENT), "Kubernetes event"),
        (view(EVENT, EVENT), "2 Kubernetes events"),
        (view(NOTICE), "Notice"),
        (view(NOTICE, EVENT, AUDIT), "3 notices"),
        (view(FIRING, NOTICE), "1 firing, 1 notice"),
        (view(FIRING, FIRING, NOTICE, NOTICE), "2 firing, 2 notices"),
    ],
)
def test_the_state_is_put_into_words(group: GroupView, words: str) -> None:
    assert state_words(group, overview(group)) == words


def test_large_counts_are_easy_to_read() -> None:
    assert counted(12_345, "Firing", "firing") == "12,345 firing"


@pytest.mark.parametrize(
    ("group", "text"),
    [
        (of({"alertname": "A", "namespace": "pay", "cluster": "eu"}), "🔴 X: A — pay (eu)"),
        (of({"alertname": "A", "namespace": "pay"}), "🔴 X: A — pay"),
        (of({"alertname": "A", "cluster": "eu"}), "🔴 X: A (eu)"),
        (of({"alertname": "A"}, {"alertname": "B"}), "🔴 X: A, B"),
        (of(*({"alertname": name} for name in "ABCDE")), "🔴 X: A, B and 3 more"),
        (of({"job": "j", "app": "a", "namespace": "pay"}), "🔴 X: app=a, job=j — pay"),
        (of({"namespace": "pay"}), "🔴 X: alert — pay"),
        (of({"alertname": "\n"}), "🔴 X: alert"),
        (of({"alertname": "A", "namespace": "x"}, {"alertname": "A", "namespace": "y"}), "🔴 X: A"),
    ],
)
def test_a_headline_says_what_and_where(group: Overview, text: str) -> None:
    assert headline("🔴 X", group) == text


def test_a_long_name_gives_way_to_the_place() -> None:
    group = of({"alertname": "A" * 500, "namespace": "n" * 63, "cluster": "c" * 63})
    text = headline("🔴 10,000 firing", group)
    assert len(text) == 149  # the emoji counts twice at Slack
    assert text.endswith(f"A… — {'n' * 39}… ({'c' * 29}…)")


def test_a_fallback_is_a_sentence() -> None:
    group = of({"alertname": "Down", "namespace": "pay", "cluster": "eu"})
    assert fallback("🔴 Firing", group, "It is\ndown.") == (
        "🔴 Firing: Down in pay (eu) – It is down."
    )
    assert fallback("🔴 Firing", group, " ") == "🔴 Firing: Down in pay (eu)"


def test_a_fallback_leaves_room_for_a_text() -> None:
    text = fallback("🔴 Firing", of({"alertname": "A" * 500}), "B" * 500)
    assert len(text) == 299
    assert "A… – B" in text


def test_labels_that_a_headline_tells_need_no_second_place() -> None:
    told = {"alertname": "A", "namespace": "pay", "cluster": "eu", "alerttype": "metric"}
    assert labels_told(of({**told, "pod": "p"})) == set(told)


def test_labels_that_a_headline_cuts_are_not_told() -> None:
    group = of({"alertname": "A" * 61, "namespace": "n" * 41, "cluster": "c" * 31})
    assert labels_told(group) == {"alerttype"}
    assert "alertname" not in labels_told(of({"alertname": "A"}, {"alertname": "B"}))

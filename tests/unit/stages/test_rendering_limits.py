"""Rendering: whatever the alerts hold, the message is one that Slack takes and that is harmless."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.slack.content import read_edit
from tests.unit.stages.rendering_views import START, alert, group
from tests.unit.stages.slack_limits import violations
from tocsin.model.message import GroupView, Message
from tocsin.model.reason import Reason
from tocsin.model.signal import Signal, Source, Status
from tocsin.stages.rendering import render_reply, render_state

MEGABYTE = 1_000_000
FRAGMENTS = (
    *(
        "<!channel>",
        "<@U1>",
        "<https://evil.example|x>",
        "@here",
        "@everyone!",
        "&",
        "&amp;",
        "&am",
    ),
    *(
        "`",
        "```",
        "*",
        "_a_",
        "~",
        ">",
        "|",
        ":fire:",
        "\\",
        '"',
        "\n",
        "\r\n",
        "\t",
        "\x00",
        "\x85",
    ),
    *("\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2028", "\ud800", "\udc00", "\ufffe"),
    *(
        "e\u0301",
        "\u0301" * 40,
        "👩\u200d👩\u200d👧",
        "👍🏽",
        "🇩🇪🇫🇷",
        "می\u200cخواهم",
        "漢字",
        "😀",
    ),
)
CHARACTERS = st.characters(codec=None, exclude_categories=())
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(CHARACTERS, max_size=20), max_size=8).map(
    "".join
)
LONG_TEXTS = st.builds(
    lambda text, times: (text * times)[:MEGABYTE],
    TEXTS,
    st.sampled_from([1, 1, 1, 40, 900, MEGABYTE]),
)
URLS = st.builds(
    lambda start, rest: start + rest,
    st.sampled_from(
        ["", "http://", "https://prometheus.example.com/", "javascript:", "HTTPS://a:90"]
    ),
    LONG_TEXTS,
)
LABEL_NAMES = st.sampled_from(
    ["alertname", "namespace", "cluster", "severity", "priority", "alerttype", "pod", "instance"]
)
LABELS = st.dictionaries(
    LABEL_NAMES | TEXTS.filter(bool),
    st.sampled_from(["critical", "page", "event", "auditing", "payments"])
    | LONG_TEXTS.filter(bool),
    min_size=1,
    max_size=12,
)
NOTES = st.dictionaries(
    st.sampled_from(["summary", "description", "message", "summaryCn"]), LONG_TEXTS.filter(bool)
)
LINKS = st.dictionaries(
    st.sampled_from(["runbook_url", "runbook", "dashboard_url", "dashboard", "grafana_url"]),
    URLS.filter(bool),
)
TIMES = st.sampled_from(
    [START, START + 30, START + 7200, 0.0, -62_135_596_800.0, 1e18]
) | st.floats(-1e12, 1e12)


@st.composite
def signals(draw: st.DrawFn, status: Status) -> Signal:
    """A signal of any content."""
    return Signal(
        Source.ALERTS,
        draw(LABELS),
        draw(NOTES) | draw(LINKS),
        status,
        draw(TIMES),
        draw(st.none() | TIMES),
        START,
        generator_url=draw(URLS),
    )


FIRING = st.lists(signals(Status.FIRING) | signals(Status.INSTANT), max_size=4)
RESOLVED = st.lists(signals(Status.RESOLVED), max_size=4)


@st.composite
def groups(draw: st.DrawFn) -> GroupView:
    """A group of any signals, not empty."""
    firing, resolved = draw(FIRING), draw(RESOLVED)
    if not firing and not resolved:
        firing = [draw(signals(Status.FIRING))]
    fresh = firing[: draw(st.integers(0, len(firing)))]
    return GroupView(
        receiver="monitoring/platform",
        group_labels={},
        firing=firing,
        resolved=resolved,
        now=START + 3600,
        reason=draw(st.sampled_from(Reason)),
        cluster=draw(LONG_TEXTS),
        fresh=fresh,
    )


def refused(message: Message) -> list[str]:
    """What our own checker finds; raises what the stand-in for Slack refuses."""
    read_edit(
        {
            "text": message.text,
            "blocks": list(message.blocks),
            "attachments": list(message.attachments),
        }
    )
    return violations(message)


@settings(deadline=None, max_examples=60)
@given(groups())
def test_any_group_makes_a_message_within_slacks_limits(view: GroupView) -> None:
    assert refused(render_state(view)) == []


@settings(deadline=None, max_examples=40)
@given(groups())
def test_any_group_makes_a_reply_within_slacks_limits(view: GroupView) -> None:
    assert refused(render_reply(view)) == []


@settings(deadline=None, max_examples=5)
@given(
    st.lists(signals(Status.FIRING), min_size=1, max_size=5), st.sampled_from([1, 11, 999, 10_000])
)
def test_any_number_of_alerts_makes_a_message_within_slacks_limits(
    templates: Sequence[Signal], count: int
) -> None:
    many = [templates[number % len(templates)] for number in range(count)]
    assert refused(render_state(group(many, many))) == []
    assert refused(render_reply(group(many, many, Reason.NEW_ALERTS, many))) == []


def worst_alert(number: int, filler: str) -> Signal:
    """An alert that fills all the room it gets, differently from its neighbours."""
    distinct = f"{number:05}{filler * 500}"
    labels = {f"label{place:02}": distinct for place in range(30)}
    notes = {
        "description": distinct * 100,
        "runbook_url": f"https://a.example/{number}/" + "r" * 190,
    }
    url = f"https://a.example/{number}?" + "g" * 180
    return alert(
        {"alertname": f"A{distinct}", **labels}, notes, start=START + 100 * number, url=url
    )


@pytest.mark.parametrize("filler", ["x", "&", "<", "😀", "漢", "e\u0301", "`", "\n"])
@pytest.mark.parametrize("common_links", [True, False])
def test_the_fullest_message_fits(filler: str, common_links: bool) -> None:
    shared = {f"shared{place:02}": filler * 500 for place in range(30)}
    notes = {"summary": filler * 5000, "description": filler * MEGABYTE}
    if common_links:
        notes |= {"runbook_url": "https://a.example/" + "r" * 2_300}
    alerts = [
        alert(
            {**worst_alert(number, filler).labels, **shared, "namespace": filler * 90},
            worst_alert(number, filler).annotations | notes
            if common_links
            else worst_alert(number, filler).annotations | {"summary": filler * 5000},
            start=START + 100 * number,
            url=worst_alert(number, filler).generator_url,
        )
        for number in range(60)
    ]
    over = [
        alert(one.labels, {}, start=START, end=START + 9e6 + 100 * n)
        for n, one in enumerate(alerts)
    ]
    assert refused(render_state(group(alerts, over))) == []
    assert refused(render_state(group([], over))) == []
    assert refused(render_state(group(alerts[:1], over[:1]))) == []
    assert refused(render_reply(group(alerts, over, Reason.NEW_ALERTS, alerts[:7]))) == []

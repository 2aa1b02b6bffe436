"""Rendering: whatever the alerts hold, the message is one that Slack takes and that is harmless."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

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
ANYTHING = st.characters(exclude_categories=())
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(ANYTHING, max_size=8), max_size=5).map(
    "".join
)


class Repeated(NamedTuple):
    """A text of up to a megabyte, in a form that a failing example can print."""

    text: str
    times: int

    def whole(self) -> str:
        return self.text * min(self.times, MEGABYTE // max(1, len(self.text)))


class Recipe(NamedTuple):
    """A signal of any content, likewise."""

    status: Status
    labels: dict[str, Repeated]
    notes: dict[str, Repeated]
    url: Repeated
    starts_at: float
    ends_at: float | None

    def signal(self) -> Signal:
        return Signal(
            Source.ALERTS,
            {name: text.whole() for name, text in self.labels.items() if text.text},
            {name: text.whole() for name, text in self.notes.items() if text.text},
            self.status,
            self.starts_at,
            self.ends_at,
            START,
            generator_url=self.url.whole(),
        )


WORDS = st.sampled_from(["critical", "page", "event", "auditing", "payments"])
LONG_TEXTS = st.builds(Repeated, WORDS | TEXTS, st.sampled_from([1, 1, 1, 40, 900, MEGABYTE]))
URLS = st.builds(
    Repeated,
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "http://", "https://a.example/", "javascript:", "HTTPS://a:90"]),
            TEXTS,
        ),
    ),
    st.sampled_from([1, 1, 900]),
)
LABEL_NAMES = st.sampled_from(
    ["alertname", "namespace", "cluster", "severity", "priority", "alerttype", "pod", "instance"]
)
NOTES = st.dictionaries(
    st.sampled_from(["summary", "description", "message", "summaryCn", "runbook"]), LONG_TEXTS
)
LINKS = st.dictionaries(st.sampled_from(["runbook_url", "dashboard_url", "dashboard"]), URLS)
TIMES = st.sampled_from([START, START + 30, START + 7200, 0.0, -62_135_596_800.0, 1e18])
RECIPES = st.builds(
    Recipe,
    st.sampled_from(Status),
    st.dictionaries(LABEL_NAMES | TEXTS.filter(bool), LONG_TEXTS, max_size=5),
    st.builds(lambda notes, links: notes | links, NOTES, LINKS),
    URLS,
    TIMES,
    st.none() | TIMES,
)
GROUPS = st.lists(RECIPES, min_size=1, max_size=4)


def group_of(recipes: Sequence[Recipe], cluster: Repeated, reason: Reason) -> GroupView:
    """The group of what the recipes make; every other one that fires is news."""
    signals = [recipe.signal() for recipe in recipes]
    firing = [signal for signal in signals if signal.status is not Status.RESOLVED]
    resolved = [signal for signal in signals if signal.status is Status.RESOLVED]
    view = group(firing, resolved, reason, firing[::2])
    return replace(view, cluster=cluster.whole())


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


@settings(deadline=None, max_examples=40)
@given(GROUPS, LONG_TEXTS, st.sampled_from(Reason))
def test_any_group_makes_messages_within_slacks_limits(
    recipes: list[Recipe], cluster: Repeated, reason: Reason
) -> None:
    view = group_of(recipes, cluster, reason)
    assert refused(render_state(view)) == []
    assert refused(render_reply(view)) == []


@settings(deadline=None, max_examples=2)
@given(GROUPS, st.sampled_from([11, 10_000]))
def test_any_number_of_alerts_makes_messages_within_slacks_limits(
    recipes: list[Recipe], count: int
) -> None:
    signals = [recipe.signal() for recipe in recipes]
    many = [signals[number % len(signals)] for number in range(count)]
    assert refused(render_state(group(many, many))) == []
    assert refused(render_reply(group(many, many, Reason.NEW_ALERTS, many))) == []


def full_alert(number: int, filler: str, notes: Mapping[str, str]) -> Signal:
    """An alert that fills all the room it gets, differently from its neighbours."""
    own = f"{number:05}{filler * 500}"
    return alert(
        {
            "alertname": f"A{own}",
            "namespace": filler * 90,
            **{f"own{place}": own for place in range(30)},
            **{f"shared{place}": filler * 500 for place in range(30)},
        },
        {
            "summary": filler * 5_000,
            "description": own * 100,
            "runbook_url": f"https://a.example/{number}/" + "r" * 190,
            **notes,
        },
        start=START + 100 * number,
        url=f"https://a.example/{number}?" + "g" * 180,
    )


@pytest.mark.parametrize("filler", ["x", "&", "<", "😀", "漢", "e\u0301", "`", "\n"])
@pytest.mark.parametrize(
    "notes",
    [
        {},
        {"description": "d" * MEGABYTE, "runbook_url": "https://a.example/" + "r" * 2_300},
    ],
    ids=["links and texts of their own", "shared ones"],
)
def test_the_fullest_message_fits(filler: str, notes: Mapping[str, str]) -> None:
    firing = [full_alert(number, filler, notes) for number in range(60)]
    over = [
        alert(one.labels, {}, start=START, end=START + 9e6 + 100 * place)
        for place, one in enumerate(firing)
    ]
    assert refused(render_state(group(firing, over))) == []
    assert refused(render_state(group([], over))) == []
    assert refused(render_state(group(firing[:1], over[:1]))) == []
    assert refused(render_reply(group(firing, over, Reason.NEW_ALERTS, firing[:7]))) == []

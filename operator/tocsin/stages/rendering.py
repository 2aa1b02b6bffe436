"""The built-in message for alerts: a group's state, and short replies in its thread.

A `GroupView` comes in, a `Message` goes out: within Slack's limits and escaped, whatever the alerts
hold. The pipeline calls it when a post starts. Most important first: what fires where in the
headline; then, beside a bar of the severity's colour, what it means, how bad it is and since when,
where to look, and which ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from tocsin.model.alert_rows import (
    Row,
    blocks_of,
    firing_row,
    label_spans,
    links,
    resolved_row,
)
from tocsin.model.blocks import Block, attachment, context, header, mrkdwn, plain_text, section
from tocsin.model.headline import fallback, headline, labels_told, state_words
from tocsin.model.message import GroupView, Message
from tocsin.model.moment import date_token, span_text
from tocsin.model.mrkdwn import length, paragraph
from tocsin.model.overview import Overview, description_of, most_important, overview, summary_of
from tocsin.model.reason import Reason
from tocsin.model.severity import RESOLVED_COLOUR, RESOLVED_EMOJI
from tocsin.model.signal import Signal, Status

# Together these keep a message below 12,000 characters; Slack refuses more than about 13,200.
_SUMMARY_LIMIT: Final = 300
_SUMMARY_LINES: Final = 3
_DESCRIPTION_LIMIT: Final = 1_000
_DESCRIPTION_LINES: Final = 12
_LINKS_LIMIT: Final = 2_400
_SHARED_LABELS_LIMIT: Final = 700
_ROWS: Final = 10
_RESOLVED_ROWS_BESIDE_FIRING: Final = 5
_REPLY_ROWS: Final = 5


def render_state(view: GroupView) -> Message:
    """Return the group's living message, which is posted first and edited from then on.

    One attachment under the headline: summary and description; severity, times and links; a row
    for each of the first ten alerts, where there are several; the labels that all of them share.
    """
    group = overview(view)
    shown = most_important(view.firing, _ROWS)
    shared_links = links(group.notes, group.source_url, _LINKS_LIMIT)
    room = _LINKS_LIMIT - sum(length(markup) for markup in shared_links)
    details = [
        *_texts(group, with_description=bool(view.firing)),
        *_facts([*_severity(group), *_times(view, group), *_resolved(view), *shared_links]),
        *_rows(view, group, shown, room),
        *_shared_labels(group),
    ]
    return _message(state_words(view, group), group, details)


def render_reply(view: GroupView) -> Message:
    """Return a short reply, shown in the channel too: what is new, or what still fires.

    For `reason` NEW_ALERTS, SEVERITY_ROSE and REPEAT. What has resolved by the time the post starts
    is told as resolved, and a reply without fresh alerts is a reminder.
    """
    fresh = [signal for signal in view.fresh if signal.status is not Status.RESOLVED]
    reminds = view.reason is Reason.REPEAT or not fresh
    told = view.firing if reminds else fresh
    part = replace(
        overview(replace(view, firing=told, resolved=() if told else view.resolved)),
        shared=overview(view).shared,
    )
    details = [
        *_texts(part, with_description=False),
        *_facts(
            [
                *_severity(part),
                *_times(view, part),
                *_in_all(len(told), len(view.firing)),
                *links(part.notes, part.source_url, _LINKS_LIMIT),
            ]
        ),
        *_rows(replace(view, resolved=()), part, most_important(told, _REPLY_ROWS), 0),
    ]

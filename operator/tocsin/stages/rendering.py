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
    firing_rows,
    label_spans,
    links,
    resolved_rows,
)
from tocsin.model.blocks import Block, attachment, context, header, mrkdwn, plain_text, section
from tocsin.model.headline import counted, fallback, headline, labels_told, state_words
from tocsin.model.message import GroupView, Message
from tocsin.model.moment import date_token, span_text
from tocsin.model.mrkdwn import length, paragraph
from tocsin.model.overview import Overview, description_of, overview, summary_of
from tocsin.model.reason import Reason
from tocsin.model.severity import RESOLVED_COLOUR, RESOLVED_EMOJI
from tocsin.model.signal import Status

# Together these keep a message below 12,000 characters; Slack refuses more than about 13,200.
_SUMMARY_LIMIT: Final = 300
_SUMMARY_LINES: Final = 3
_DESCRIPTION_LIMIT: Final = 1_000
_DESCRIPTION_LINES: Final = 12
_LINKS_LIMIT: Final = 2_400
_SHARED_LABELS_LIMIT: Final = 700
_ROWS: Final = 10
_ROW_TEXTS: Final = 5
_RESOLVED_ROWS_BESIDE_FIRING: Final = 5
_REPLY_ROWS: Final = 5


def render_state(view: GroupView) -> Message:
    """Return the group's living message, which is posted first and edited from then on.

    One attachment under the headline: summary and description; severity, times and links; a row
    for each of the first ten alerts, where there are several; the labels that all of them share.
    """
    group = overview(view)
    shared_links = links(group.notes, group.source_url, _LINKS_LIMIT)
    rows = _state_rows(view, group, _LINKS_LIMIT - sum(map(length, shared_links)))
    details = [
        *_texts(group, with_description=bool(view.firing)),
        *_facts([*_severities(group), *_times(view, group), *_resolved(view), *shared_links]),
        *blocks_of(rows),
        *_shared_labels(group),
    ]
    return _message(state_words(view, group), group, bool(view.firing), details)


def render_reply(view: GroupView) -> Message:
    """Return a short reply, shown in the channel too: what is new, or what still fires.

    For `reason` NEW_ALERTS, SEVERITY_ROSE and REPEAT. What has resolved by the time the post starts
    is told as resolved, and a reply without fresh alerts is a reminder.
    """
    fresh = [signal for signal in view.fresh if signal.status is not Status.RESOLVED]
    told = fresh if fresh and view.reason is not Reason.REPEAT else view.firing
    group = overview(view)
    part = group
    if told is fresh:
        part = replace(overview(replace(view, firing=fresh)), shared=group.shared)
    several = len(view.firing) + len(view.resolved) > 1
    facts = [*_severities(part), *_times(view, part), *_in_all(view, part)]
    details = [
        *_texts(part, with_description=told is fresh and part.count == 1),
        *_facts([*facts, *links(part.notes, part.source_url, _LINKS_LIMIT)]),
        *(blocks_of(firing_rows(part, _REPLY_ROWS, 1, 0)) if told and several else []),
    ]
    words = _reply_words(view, part, told is fresh) if told else state_words(view, part)
    return _message(words, part, bool(told), details)


def _reply_words(view: GroupView, part: Overview, is_fresh: bool) -> str:
    if not is_fresh:
        return counted(part.count, "Still firing", "still firing")
    if view.reason is Reason.SEVERITY_ROSE:
        return f"Severity rose to {part.worst.name}" if part.worst.name else "Severity rose"
    return counted(part.count, "New", "new")


def _message(words: str, group: Overview, is_firing: bool, details: list[Block]) -> Message:
    emoji, colour = RESOLVED_EMOJI, RESOLVED_COLOUR
    if is_firing:
        emoji, colour = group.worst.emoji, group.worst.colour
    lead = f"{emoji} {words}"
    text = summary_of(group.notes) or summary_of(group.leading[0].annotations)
    return Message(
        text=fallback(lead, group, text),
        blocks=(header(headline(lead, group)),),
        attachments=(attachment(colour, details),) if details else (),
    )


def _texts(group: Overview, with_description: bool) -> list[Block]:
    """Return what it means, to the letter: text from outside is never taken for markup."""
    texts = [paragraph(summary_of(group.notes), _SUMMARY_LIMIT, _SUMMARY_LINES)]
    if with_description:
        description = description_of(group.notes)
        texts.append(paragraph(description, _DESCRIPTION_LIMIT, _DESCRIPTION_LINES))
    return [section(plain_text(text)) for text in texts if text]


def _facts(facts: Sequence[str]) -> list[Block]:
    return [section(mrkdwn(" · ".join(facts)))] if facts else []


def _severities(group: Overview) -> list[str]:
    if len(group.severities) == 1:
        return [group.worst.name] if group.worst.name else []
    counts = [f"{count:,} {step.name or 'unrated'}" for step, count in group.severities.items()]
    return [", ".join(counts)]


def _times(view: GroupView, group: Overview) -> list[str]:
    """Return since when it fires, or how long it lasted; nothing where nobody can say."""
    started, ended = group.started_at, group.ended_at
    if started is None:
        return []
    if view.firing:
        notice = all(signal.status is Status.INSTANT for signal in group.leading)
        spent = f" ({span_text(view.now - started)})" if view.reason is Reason.REPEAT else ""
        return [f"{'at' if notice else 'since'} {date_token(started)}{spent}"]
    if ended is None or ended < started:
        return [f"began {date_token(started)}"]
    late = ["over before this could be sent"] if view.reason is Reason.FIRST else []
    period = f"{date_token(started)} – {date_token(ended)}"
    return [f"lasted {span_text(ended - started)}", period, *late]


def _resolved(view: GroupView) -> list[str]:
    return [f"{len(view.resolved):,} resolved"] if view.firing and view.resolved else []


def _in_all(view: GroupView, part: Overview) -> list[str]:
    return [f"{len(view.firing):,} firing in all"] if part.count < len(view.firing) else []


def _state_rows(view: GroupView, group: Overview, links_limit: int) -> list[Row]:
    """Return a row for each alert that fits, where there are several to tell apart."""
    if len(view.firing) + len(view.resolved) == 1:
        return []
    if not view.firing:
        return resolved_rows(view.resolved, group, _ROWS)
    ended = resolved_rows(view.resolved, group, _RESOLVED_ROWS_BESIDE_FIRING)
    return firing_rows(group, _ROWS, _ROW_TEXTS, links_limit) + ended


def _shared_labels(group: Overview) -> list[Block]:
    told = labels_told(group)
    labels = {label: value for label, value in group.shared.items() if label not in told}
    spans = label_spans(labels, _SHARED_LABELS_LIMIT)
    return [context(mrkdwn(spans))] if spans else []

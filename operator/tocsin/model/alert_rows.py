"""One row of a message for each alert: what tells it from its neighbours, since when, its links.

Signals and the group's `Overview` come in, mrkdwn and blocks go out; rendering calls it. Values
from outside stand in code spans, where Slack formats nothing, or in plain text objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.model.blocks import Block, context, plain_text, section, sections
from tocsin.model.mrkdwn import code, length, link, one_line
from tocsin.model.moment import date_token, is_moment, span_text
from tocsin.model.overview import Overview, description_of, links_of, summary_of
from tocsin.model.severity import RESOLVED_EMOJI, SEVERITY, severity_of
from tocsin.model.signal import Signal, Status

_LABEL_LIMIT: Final = 90
_ROW_LABELS_LIMIT: Final = 230
_ROW_TEXT_LIMIT: Final = 180
_SAME_START_SECONDS: Final = 60.0
_FIRST_LABELS: Final = ("alertname", "cluster", "namespace", "node", "instance", "pod", "container")
_RATED: Final = frozenset(severity.name for severity in SEVERITY)


@dataclass(frozen=True, slots=True)
class Row:
    """An alert's line of mrkdwn and, where its neighbours do not say the same, its own text."""

    line: str
    text: str = ""


def firing_row(signal: Signal, group: Overview, links_limit: int) -> Row:
    """Return the row of an alert that fires, or of an instant signal.

    A start is left out where the group's own says as much. `links_limit` is room for links that
    the group does not share.
    """
    own = {key: text for key, text in signal.annotations.items() if group.notes.get(key) != text}
    started = signal.starts_at
    known = group.started_at is not None and started - group.started_at < _SAME_START_SECONDS
    word = "at" if signal.status is Status.INSTANT else "since"
    parts = [
        distinct_labels(signal, group),
        f"{word} {date_token(started)}" if is_moment(started) and not known else "",
        *links(own, "" if group.source_url else signal.generator_url, links_limit),
    ]
    text = description_of(own) or summary_of(own)
    return Row(_joined(severity_of(signal.labels).emoji, parts), one_line(text, _ROW_TEXT_LIMIT))


def resolved_row(signal: Signal, group: Overview) -> Row:
    """Return the row of an alert that has resolved."""
    started, ended = signal.starts_at, signal.ends_at
    parts = [distinct_labels(signal, group)]
    if ended is not None and is_moment(ended):
        lasted = f" after {span_text(ended - started)}" if 1 <= started <= ended else ""
        parts.append(f"resolved {date_token(ended)}{lasted}")
    return Row(_joined(RESOLVED_EMOJI, parts))


def blocks_of(rows: Sequence[Row]) -> list[Block]:
    """Return the rows as blocks; a row's own text stands below it in small print."""
    blocks: list[Block] = []
    pending: list[str] = []
    for row in rows:
        pending.append(row.line)
        if row.text:
            blocks += [*sections(pending), context(plain_text(row.text))]
            pending = []
    return blocks + sections(pending)


def distinct_labels(signal: Signal, group: Overview) -> str:
    """Return the labels that not all of the group share, as code spans."""
    own = {name: text for name, text in signal.labels.items() if name not in group.shared}
    return label_spans(own, _ROW_LABELS_LIMIT)


def label_spans(labels: Mapping[str, str], limit: int) -> str:
    """Return labels as code spans of at most `limit` in all, the telling ones first.

    A severity that the emoji shows is left out; what does not fit is counted.
    """
    names = [name for name in labels if name != "severity" or labels[name] not in _RATED]
    names.sort(key=lambda name: (_place(name), name))
    spans: list[str] = []
    room = limit
    for position, name in enumerate(names):
        label = labels[name] if name == "alertname" else f"{name}={labels[name][:limit]}"
        span = code(label, _LABEL_LIMIT)
        room -= length(span) + 1
        if room < len("+1,000,000"):
            return " ".join([*spans, f"+{len(names) - position:,}"])
        spans.append(span)
    return " ".join(spans)


def links(notes: Mapping[str, str], source_url: str, limit: int) -> list[str]:
    """Return links as mrkdwn, most useful first, as many as fit into `limit` in all."""
    fitting: list[str] = []
    for label, url in links_of(notes, source_url):
        markup = link(url, label, limit)
        if markup:
            fitting.append(markup)
            limit -= length(markup)
    return fitting


def _joined(emoji: str, parts: Sequence[str]) -> str:
    return f"{emoji} " + (" · ".join(part for part in parts if part) or "one more of the same")


def _place(name: str) -> int:
    return _FIRST_LABELS.index(name) if name in _FIRST_LABELS else len(_FIRST_LABELS)

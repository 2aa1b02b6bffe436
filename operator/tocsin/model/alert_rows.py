"""One row of a message for each alert: what tells it from its neighbours, since when, its links.

Signals and the group's `Overview` come in, mrkdwn and blocks go out; rendering calls it. Values
from outside stand in code spans, where Slack formats nothing, or in plain text objects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tocsin.model.blocks import Block, context, plain_text, sections
from tocsin.model.moment import date_token, is_moment, span_text
from tocsin.model.mrkdwn import code, length, link, one_line
from tocsin.model.overview import (
    Overview,
    links_of,
    most_important,
    text_apart,
)
from tocsin.model.severity import RESOLVED_EMOJI, SEVERITY, severity_of
from tocsin.model.signal import Signal, Status

_LABEL_LIMIT: Final = 90
_ROW_LABELS_LIMIT: Final = 230
_ROW_TEXT_LIMIT: Final = 180
_SAME_TIME_SECONDS: Final = 60.0
_FIRST_LABELS: Final = (
    "alertname",
    "cluster",
    "namespace",
    "node",
    "instance",
    "pod",
    "container",
    "user",
    "verb",
    "resource",
    "name",
)
_RATED: Final = frozenset(severity.name for severity in SEVERITY)


@dataclass(frozen=True, slots=True)
class Row:
    """An alert's line of mrkdwn and, where its neighbours do not say the same, its own text."""

    line: str
    text: str = ""


def firing_rows(group: Overview, limit: int, texts: int, links_limit: int) -> list[Row]:
    """Return rows of the first `limit` alerts that fire, and how many more there are.

    Times are left out where the group's own say as much of all of them. The first `texts` rows have
    their own text; `links_limit` is room for links that the group does not share.
    """
    shown = group.leading[:limit]
    timed = any(not _same(signal.starts_at, group.started_at) for signal in shown)
    room = links_limit // len(shown)
    rows = [
        Row(
            _firing_line(signal, group, timed, room),
            one_line(text_apart(signal, group), _ROW_TEXT_LIMIT) if place < texts else "",
        )
        for place, signal in enumerate(shown)
    ]
    return rows + _more(group.count - len(shown), "")


def resolved_rows(signals: Sequence[Signal], group: Overview, limit: int) -> list[Row]:
    """Return rows of the first `limit` alerts that have resolved, and how many more there are."""
    shown = most_important(signals, limit)
    timed = any(
        not (_same(signal.starts_at, group.started_at) and _same(signal.ends_at, group.ended_at))
        for signal in shown
    )
    rows = [Row(_resolved_line(signal, group, timed)) for signal in shown]
    return rows + _more(len(signals) - len(shown), " resolved")


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


def label_spans(labels: Mapping[str, str], limit: int) -> str:
    """Return labels as code spans of at most `limit` in all, the telling ones first.

    A severity that the emoji shows is left out; what does not fit is counted.
    """
    names = [name for name in labels if name != "severity" or labels[name] not in _RATED]
    names.sort(key=lambda name: (_place(name), name))
    spans: list[str] = []
    room = limit
    for position, name in enumerate(names):
        label = labels[name] if name == "alertname" else f"{name[:limit]}={labels[name][:limit]}"
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


def _firing_line(signal: Signal, group: Overview, timed: bool, links_limit: int) -> str:
    own = {key: text for key, text in signal.annotations.items() if key not in group.notes}
    parts = [_distinct_labels(signal, group)]
    if timed and is_moment(signal.starts_at):
        word = "at" if signal.status is Status.INSTANT else "since"
        parts.append(f"{word} {date_token(signal.starts_at)}")
    parts += links(own, "" if group.source_url else signal.generator_url, links_limit)
    return _joined(severity_of(signal.labels).emoji, parts)


def _resolved_line(signal: Signal, group: Overview, timed: bool) -> str:
    started, ended = signal.starts_at, signal.ends_at
    parts = [_distinct_labels(signal, group)]
    if timed and ended is not None and is_moment(ended):
        lasted = f" after {span_text(ended - started)}" if is_moment(started) else ""
        parts.append(f"resolved {date_token(ended)}{lasted}")
    return _joined(RESOLVED_EMOJI, parts)


def _distinct_labels(signal: Signal, group: Overview) -> str:
    own = {name: text for name, text in signal.labels.items() if name not in group.shared}
    return label_spans(own, _ROW_LABELS_LIMIT)


def _same(moment: float | None, of_group: float | None) -> bool:
    """Whether the group's own time says as much."""
    if moment is None or of_group is None:
        return False
    return abs(moment - of_group) < _SAME_TIME_SECONDS


def _more(count: int, word: str) -> list[Row]:
    return [Row(f"and {count:,} more{word}")] if count > 0 else []


def _joined(emoji: str, parts: Sequence[str]) -> str:
    return f"{emoji} " + (" · ".join(part for part in parts if part) or "one more of the same")


def _place(name: str) -> int:
    return _FIRST_LABELS.index(name) if name in _FIRST_LABELS else len(_FIRST_LABELS)

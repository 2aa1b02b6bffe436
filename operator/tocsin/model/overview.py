"""What the alerts of a group have in common, and which of them matter most.

A `GroupView` comes in, an `Overview` goes out; nothing is escaped or shortened yet. Rendering calls
it. Every step is one pass, so that a group of ten thousand stays cheap.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Final

from tocsin.model.message import GroupView
from tocsin.model.moment import is_moment
from tocsin.model.mrkdwn import ELLIPSIS
from tocsin.model.severity import Severity, severity_of
from tocsin.model.signal import Signal

_LEADING: Final = 10
_COMPARED_CHARACTERS: Final = 4_000
_COMPARED_LABELS: Final = 20
_SHORTEST_TELLING_VALUE: Final = 3
_SUMMARIES: Final = ("summary",)
_DESCRIPTIONS: Final = ("description", "message")
_TRANSLATIONS: Final = ("summaryCn",)
_LINKS: Final = (
    ("Runbook", ("runbook_url", "runbook")),
    ("Dashboard", ("dashboard_url", "dashboard", "grafana_url")),
)


@dataclass(frozen=True, slots=True)
class Overview:
    """A group in a nutshell.

    Its subject is what fires (instant signals included), or what has resolved where nothing does:
    `count` signals, at least one, of which `leading` are the most important, up to ten. `names` are
    the subject's distinct alert names, worst first, `severities` how often it has each, worst
    first. `shared` are the labels that all signals agree on, `notes` the annotations and
    `source_url` the link that the subject agrees on; a text whose leading copies differ only by
    their alerts' own labels stands there once, with `…` for those. Times are seconds since the
    epoch, None where no signal has a sensible one; `ended_at` only where nothing fires.
    """

    count: int
    leading: Sequence[Signal]
    names: Sequence[str]
    cluster: str
    shared: Mapping[str, str]
    notes: Mapping[str, str]
    source_url: str
    severities: Mapping[Severity, int]
    started_at: float | None
    ended_at: float | None

    @property
    def worst(self) -> Severity:
        """The severity that gives the message its colour."""
        return next(iter(self.severities))


def overview(view: GroupView) -> Overview:
    """Survey a group; the result does not depend on the order in which the signals come."""
    subject = view.firing or view.resolved
    leading = most_important(subject, _LEADING)
    shared = _agreed(signal.labels for signal in (*view.firing, *view.resolved))
    notes = _agreed(signal.annotations for signal in subject)
    source_urls = {signal.generator_url for signal in subject}
    severities, worst_by_name = _survey(subject)
    return Overview(
        count=len(subject),
        leading=leading,
        names=sorted(worst_by_name, key=lambda name: (-worst_by_name[name], name)),
        cluster=shared.get("cluster", "") or _own_cluster(view),
        shared=shared,
        notes=notes if len(subject) == 1 else {**_alike(leading, shared), **notes},
        source_url=source_urls.pop() if len(source_urls) == 1 else "",
        severities=severities,
        started_at=min((s.starts_at for s in subject if is_moment(s.starts_at)), default=None),
        ended_at=None if view.firing else _last_end(subject),
    )


def most_important(signals: Iterable[Signal], limit: int) -> list[Signal]:
    """Return the first `limit` by severity, then start, then labels."""
    return nsmallest(limit, signals, key=_importance)


def summary_of(notes: Mapping[str, str]) -> str:
    """Return what happened in a line: `summary`, or KubeSphere's `message` where it stands alone.

    Follows KubeSphere's notification-manager for the annotations that it reads.
    """
    return _first(notes, (*_SUMMARIES, *_DESCRIPTIONS, *_TRANSLATIONS))


def description_of(notes: Mapping[str, str]) -> str:
    """Return what is to be said beyond the summary; empty where there is no more."""
    description = _first(notes, _DESCRIPTIONS)
    return "" if description == summary_of(notes) else description


def text_apart(signal: Signal, group: Overview) -> str:
    """Return what this alert says and its group does not; empty where there is nothing."""
    notes = signal.annotations
    keys = [key for key in (*_DESCRIPTIONS, *_SUMMARIES) if key in notes] or _TRANSLATIONS
    return next((notes[key] for key in keys if key in notes and key not in group.notes), "")


def links_of(notes: Mapping[str, str], source_url: str) -> list[tuple[str, str]]:
    """Return (label, address as it came) of each link, most useful first."""
    found = [(label, _first(notes, keys)) for label, keys in _LINKS]
    return [(label, url) for label, url in (*found, ("Graph", source_url)) if url]


def _first(notes: Mapping[str, str], keys: Iterable[str]) -> str:
    return next((notes[key] for key in keys if notes.get(key)), "")


def _agreed(mappings: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the entries that all mappings have."""
    rest = iter(mappings)
    agreed = dict(next(rest))
    for mapping in rest:
        if not agreed.items() <= mapping.items():
            agreed = {key: value for key, value in agreed.items() if mapping.get(key) == value}
    return agreed


def _alike(leading: Sequence[Signal], shared: Mapping[str, str]) -> dict[str, str]:
    """Return the texts that say the same of every alert but for its own labels."""
    found: dict[str, str] = {}
    for key in (*_SUMMARIES, *_DESCRIPTIONS):
        texts = {_impersonal(signal, key, shared) for signal in leading}
        if len(texts) == 1:
            found[key] = texts.pop()
    return {key: text for key, text in found.items() if text}


def _impersonal(signal: Signal, key: str, shared: Mapping[str, str]) -> str:
    text = signal.annotations.get(key, "")[:_COMPARED_CHARACTERS]
    own = [value for name, value in signal.labels.items() if name not in shared]
    for value in sorted(own, key=len, reverse=True)[:_COMPARED_LABELS]:
        if len(value) >= _SHORTEST_TELLING_VALUE:
            text = text.replace(value, ELLIPSIS)
    return text


def _survey(signals: Sequence[Signal]) -> tuple[dict[Severity, int], dict[str, int]]:
    """Return how often each severity occurs, worst first, and the worst rank of each name."""
    counts: dict[Severity, int] = {}
    worst_by_name: dict[str, int] = {}
    for signal in signals:
        severity = severity_of(signal.labels)
        counts[severity] = counts.get(severity, 0) + 1
        name = signal.labels.get("alertname", "")
        if name and severity.rank > worst_by_name.get(name, -1):
            worst_by_name[name] = severity.rank
    ordered = sorted(counts, key=lambda severity: (-severity.rank, severity.name))
    return {severity: counts[severity] for severity in ordered}, worst_by_name


def _own_cluster(view: GroupView) -> str:
    named = any("cluster" in signal.labels for signal in (*view.firing, *view.resolved))
    return "" if named else view.cluster


def _last_end(signals: Iterable[Signal]) -> float | None:
    ends = (signal.ends_at for signal in signals)
    return max((end for end in ends if end is not None and is_moment(end)), default=None)


def _importance(signal: Signal) -> tuple[object, ...]:
    return (
        -severity_of(signal.labels).rank,
        signal.starts_at,
        sorted(signal.labels.items()),
        signal.idempotency_key,
    )

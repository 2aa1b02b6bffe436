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
from tocsin.model.severity import Severity, severity_of
from tocsin.model.signal import Signal, Status

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

    `subject` is what the message is about: what fires (instant signals included), or what has
    resolved where nothing does; never empty. `names` are its distinct alert names, worst first.
    `shared` are the labels that all signals agree on, `notes` the annotations that the subject
    agrees on, `source_url` its link. `severities` counts the subject's, worst first. Times are
    seconds since the epoch, None where no signal has a sensible one; `ended_at` only where all
    is over.
    """

    subject: Sequence[Signal]
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
    shared = _agreed(signal.labels for signal in (*view.firing, *view.resolved))
    severities, worst_by_name = _survey(subject)
    return Overview(
        subject=subject,
        names=sorted(worst_by_name, key=lambda name: (-worst_by_name[name], name)),
        cluster=shared.get("cluster", "") or _own_cluster(view),
        shared=shared,
        notes=_agreed(signal.annotations for signal in subject),
        source_url=_agreed({"": signal.generator_url} for signal in subject).get("", ""),
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


def is_notice(signal: Signal) -> bool:
    """Whether this has no end to wait for."""
    return signal.status is Status.INSTANT

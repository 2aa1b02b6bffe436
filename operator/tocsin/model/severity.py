"""How bad an alert is: ranks, emoji and colours, and the words people use for them.

Labels come in, a `Severity` goes out. Grouping compares ranks to notice a rise; rendering shows
emoji and colour.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, eq=False)
class Severity:
    """One step of the scale; there is one object of each, so that a step is equal to itself alone.

    `rank`: higher is worse. `name` is the word shown, empty where nobody rated the alert; `colour`
    is the attachment's bar, as Slack takes it; `aliases` are other words for the same, in lower
    case, without separators (`SEV-1` is `sev1`), one space between them.
    """

    name: str
    rank: int
    emoji: str
    colour: str
    aliases: str = ""


SEVERITY: Final = (
    Severity(
        "critical",
        rank=4,
        emoji="🔴",
        colour="#d72b3f",
        aliases="crit page pager emergency emerg alert panic fatal disaster blocker highest "
        "p0 p1 s1 sev0 sev1",
    ),
    Severity(
        "error",
        rank=3,
        emoji="🟠",
        colour="#e8710a",
        aliases="err major high severe urgent p2 s2 sev2",
    ),
    Severity(
        "warning",
        rank=2,
        emoji="🟡",
        colour="#daa038",
        aliases="warn minor medium moderate average ticket p3 s3 sev3",
    ),
    Severity(
        "info",
        rank=1,
        emoji="🔵",
        colour="#439fe0",
        aliases="information informational notice low lowest debug p4 p5 s4 s5 sev4 sev5",
    ),
    Severity("none", rank=0, emoji="⚪", colour="#9aa0a6"),
)
"""The scale, worst first."""

UNRATED: Final = Severity("", rank=2, emoji="🟡", colour="#daa038")
"""An alert that says nothing of its severity, or says it in unknown words: like a warning."""

RESOLVED_EMOJI: Final = "✅"
RESOLVED_COLOUR: Final = "#2eb67d"

_BY_WORD: Final = {word: step for step in SEVERITY for word in (step.name, *step.aliases.split())}
_LABELS: Final = ("severity", "priority")
_SEPARATORS: Final = str.maketrans("", "", " -_")
_LONGEST_WORD: Final = 32


def severity_of(labels: Mapping[str, str]) -> Severity:
    """Return the severity that the label `severity`, or else `priority`, stands for."""
    for label in _LABELS:
        value = labels.get(label, "")
        severity = _BY_WORD.get(value) or _BY_WORD.get(_plain_word(value))
        if severity is not None:
            return severity
    return UNRATED


def severity_rank(labels: Mapping[str, str]) -> int:
    """Return how bad an alert with these labels is: 4 (critical) to 0 (none)."""
    return severity_of(labels).rank


def _plain_word(value: str) -> str:
    return value[:_LONGEST_WORD].lower().translate(_SEPARATORS)

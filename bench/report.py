"""What a bench has to say: tables of figures, and bars that were met or not.

Made by the benches, printed as they go and again as a summary by `bench.__main__`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure beside what it is to be.

    `limit` is the most (or with `at_least` the least) that is good; both in `unit`.
    """

    what: str
    figure: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        """False also where there is no figure (NaN)."""
        if math.isnan(self.figure):
            return False
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit

    def line(self) -> str:
        """Return it as a line: the verdict, the figure, the limit, and the ratio of the two."""
        sign = "at least" if self.at_least else "at most"
        unit = f" {self.unit}" if self.unit else ""
        ratio = f", ratio {self.figure / self.limit:.2f}" if self.limit else ""
        verdict = "met    " if self.is_met else "NOT MET"
        limit = f"{sign} {self.limit:,.4g}{unit}{ratio}"
        return f"{verdict} {self.what}: {self.figure:,.4g}{unit} ({limit})"


@dataclass(slots=True)
class Report:
    """What one bench found; `notes` say under what conditions, and what limits the figures."""

    title: str
    bars: list[Bar] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return the report as lines of text."""
        bars = [f"  {bar.line()}" for bar in self.bars]
        return [self.title, *bars, *(f"  {note}" for note in self.notes)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows as text in columns; the first column is aligned left, the others right."""
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    lines = []
    for row in every:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def say(text: str) -> None:
    """Print progress at once."""
    print(text, flush=True)

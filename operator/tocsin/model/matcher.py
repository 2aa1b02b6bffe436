"""Prometheus's label matchers, compiled once; made from resources, called by `stages.routing`.

Follows `FastRegexMatcher` of prometheus/prometheus `model/labels/regexp.go`: RE2, anchored at both
ends, `.` matches a newline, an absent label counts as empty.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import re2

from tocsin.errors import ResourceInvalid

MatchType = Literal["=", "!=", "=~", "!~"]

_MAX_REGEXP_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label.

    Errors: ResourceInvalid, with RE2's own words, where the regular expression does not compile.
    """

    name: str
    value: str
    match_type: MatchType = "="
    _full_match: Callable[[bytes], object] | None = field(
        init=False, repr=False, compare=False, default=None
    )

    def __post_init__(self) -> None:
        if self.match_type in ("=~", "!~"):
            object.__setattr__(self, "_full_match", _compiled(self.value))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` satisfy this matcher."""
        text = labels.get(self.name, "")
        if self._full_match is None:
            return (text == self.value) is (self.match_type == "=")
        # Lone surrogates, which JSON allows and UTF-8 does not, count as "?".
        found = self._full_match(text.encode("utf-8", "replace")) is not None
        return found is (self.match_type == "=~")

    @property
    def required_value(self) -> str | None:
        """The one value that the label must have; None where several would do.

        What routing indexes by: with `=` and a value, only signals with that label and value can
        match. With `=` and an empty value it is "", which an absent label has, too.
        """
        return self.value if self.match_type == "=" else None


def _compiled(value: str) -> Callable[[bytes], object]:
    """Compile for bytes (up to 3 times as fast as for str), anchored by `fullmatch`.

    Not by wrapping in `^(?s:` and `)$`, where `a)(b` would compile.
    """
    options = re2.Options()
    options.dot_nl = True
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MAX_REGEXP_BYTES
    try:
        return re2.compile(value.encode(), options).fullmatch  # type: ignore[no-any-return]
    except UnicodeEncodeError:
        words = "not valid Unicode"
    except re2.error as error:
        words = error.args[0].decode("utf-8", "replace")
    raise ResourceInvalid("value", f"not a regular expression (RE2): {words}")

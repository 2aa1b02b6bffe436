"""Masks Slack tokens, webhook paths and bearer values in any text.

Text from outside goes through `redact` before it reaches a log, a status, a k8s event, a metric
or an exception. It imports nothing of the project, so every layer can use it.
"""

import re
from typing import Final

_SECRETS: Final = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[\w-]+"
    r"|xapp-[\w-]+"
    r"|(?<=/services/)T\w+/B\w+/\w+"
    r"|(?<=/workflows/)T\w+/\w+/\w+/\w+"
    r"|(?i:(?<=bearer )|(?<=basic ))[\w.~+/=-]{8,}"
)


def redact(text: str) -> str:
    """Return `text` with everything that looks like a credential replaced by `[redacted]`."""
    return _SECRETS.sub("[redacted]", text)


class Secret:
    """A value that must not be printed; `reveal()` is the only way to it.

    Equality is by value, so that a rotated secret is seen as a change.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself; call it where the bytes leave, nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret([redacted])"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

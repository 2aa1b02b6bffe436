"""How one of our custom resources is named: its kind and its `namespace/name`.

The key under which the resource cache, the work queues and the status writer know an object.
"""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """The kinds of group tocsin.dev that the operator reconciles."""

    CONFIG = "SlackConfig"
    RECEIVER = "SlackReceiver"

    @property
    def plural(self) -> str:
        """The kind's name in URLs and in RBAC rules."""
        return f"{self.value.lower()}s"


class ObjectKey(NamedTuple):
    """One object, whatever its generation; `key` is `namespace/name`."""

    kind: Kind
    key: str

    @property
    def namespace(self) -> str:
        """The object's namespace."""
        return self.key.partition("/")[0]

    @property
    def name(self) -> str:
        """The object's name in its namespace."""
        return self.key.partition("/")[2]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

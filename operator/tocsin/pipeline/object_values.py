"""Single values of Secrets and ConfigMaps, and the last good one while the API server is away.

In: which value a SlackConfig refers to. Out: its bytes, or a flaw. Asked by `pipeline.workspaces`.
One `get` a value: the operator cannot list Secrets.
"""

from dataclasses import dataclass
from typing import Literal

from tocsin.errors import KubeError, KubeForbidden, KubeNotFound
from tocsin.pipeline.flaws import Flaw
from tocsin.pipeline.ports import Kube


@dataclass(frozen=True, slots=True)
class ValueRef:
    """Where a value is. `role` begins the reasons of its flaws: `Secret` or `CABundle`."""

    role: str
    kind: Literal["Secret", "ConfigMap"]
    namespace: str
    name: str
    key: str

    def __str__(self) -> str:
        return f"key {self.key} of {self.kind} {self.namespace}/{self.name}"


class ObjectValues:
    """Reads values, and remembers for each user of one what it last read."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._last: dict[tuple[str, str], tuple[ValueRef, bytes]] = {}

    async def read(self, user: str, ref: ValueRef) -> bytes | Flaw:
        """Return the value; `user` is the key of the SlackConfig that refers to it.

        An error other than 403 and 404 leaves the last value in use, so that an outage of the API
        server can still be reported.
        """
        shown = f"{ref.kind} {ref.namespace}/{ref.name}"
        try:
            value = await self._get(ref)
        except KubeNotFound:
            flaw = Flaw(f"{ref.role}NotFound", f"{shown} does not exist: create it", retry=True)
        except KubeForbidden:
            flaw = Flaw(
                f"{ref.role}Forbidden",
                f"the operator may not read {shown}: its role must allow get on "
                f"{ref.kind.lower()}s there",
            )
        except KubeError as error:
            last = self._last.get((user, ref.role))
            if last is not None and last[0] == ref:
                return last[1]
            text = f"{shown} cannot be read now: {error}"
            return Flaw(f"{ref.role}Unreadable", text, retry=True)
        else:
            if value is not None:
                self._last[user, ref.role] = (ref, value)
                return value
            flaw = Flaw(
                f"{ref.role}KeyNotFound",
                f"{shown} has no key {ref.key}: add it, or name another in the SlackConfig",
            )
        self._last.pop((user, ref.role), None)
        return flaw

    def forget(self, user: str) -> None:
        """Drop what was remembered for a SlackConfig."""
        for known in [known for known in self._last if known[0] == user]:
            del self._last[known]

    async def _get(self, ref: ValueRef) -> bytes | None:
        if ref.kind == "Secret":
            return await self._kube.secret_value(ref.namespace, ref.name, ref.key)
        return await self._kube.config_map_value(ref.namespace, ref.name, ref.key)

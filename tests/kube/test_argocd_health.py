"""Argo CD's health check for both kinds, run by a Lua interpreter."""

from typing import Any

import pytest
from lupa.lua51 import LuaRuntime  # Argo CD's gopher-lua speaks 5.1

from lab.places import PROJECT

_SCRIPT = (PROJECT / "manifests" / "argocd" / "health.lua").read_text("utf-8")


def _health(obj: dict[str, Any]) -> dict[str, str]:
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(obj, recursive=True)
    return dict(lua.execute(_SCRIPT))


def _object(*conditions: dict[str, str], observed: int = 2, enabled: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"generation": 2},
        "spec": {"enabled": enabled},
        "status": {"observedGeneration": observed, "conditions": list(conditions)},
    }


def _condition(kind: str, status: str) -> dict[str, str]:
    return {"type": kind, "status": status, "message": f"{kind} is {status}"}


@pytest.mark.parametrize(
    ("obj", "status", "message"),
    [
        ({"metadata": {"generation": 1}, "spec": {}}, "Progressing", "the operator has not"),
        (_object(observed=-1), "Progressing", "the operator has not"),
        (_object(_condition("Ready", "True"), observed=1), "Progressing", "the operator has not"),
        (_object(), "Progressing", "not known to be ready yet"),
        (_object(_condition("Ready", "Unknown")), "Progressing", "Ready is Unknown"),
        (_object(_condition("Ready", "True")), "Healthy", "Ready is True"),
        (_object(_condition("Ready", "False")), "Degraded", "Ready is False"),
        (
            _object(_condition("Ready", "True"), _condition("Delivering", "False")),
            "Healthy",
            "Ready is True",
        ),
        (
            _object(_condition("Ready", "False"), _condition("Stalled", "True")),
            "Degraded",
            "Stalled is True",
        ),
        (
            _object(_condition("Ready", "True"), _condition("Stalled", "False")),
            "Healthy",
            "Ready is True",
        ),
        (
            _object(_condition("Ready", "False"), enabled=False),
            "Healthy",
            "disabled (spec.enabled is false): nothing is sent",
        ),
        (
            _object(_condition("Ready", "True"), observed=1, enabled=False),
            "Progressing",
            "the operator has not",
        ),
    ],
)
def test_argo_cd_shows_the_health(obj: dict[str, Any], status: str, message: str) -> None:
    health = _health(obj)
    assert health["status"] == status
    assert health["message"].startswith(message)

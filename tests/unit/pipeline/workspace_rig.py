"""Workspaces over doubles of their ports."""

from pathlib import Path
from typing import Any

from tests.unit.pipeline.doubles import Clock, FakeKube, FakeSlack
from tocsin.model.resources import SlackConfig, parse_config
from tocsin.pipeline.workspaces import Workspaces, WorkspaceState

TOKEN = "xoxb-1111-2222-abcDEF"
AUTHORITY = Path(__file__).parents[1] / "adapters" / "tls" / "authority.pem"
HOSTS = ("slack.example.com", "127.0.0.1:8080")
PROXIES = ("http://proxy.example.com:3128",)


def acme(**spec: Any) -> SlackConfig:
    """The SlackConfig monitoring/acme."""
    return parse_config(
        {
            "metadata": {"namespace": "monitoring", "name": "acme", "uid": "c", "generation": 1},
            "spec": {"tokenSecretRef": {"name": "slack-token"}, **spec},
        }
    )


class WorkspaceRig:
    """Workspaces over doubles of Slack and of an API server that holds a good token."""

    def __init__(self) -> None:
        self.slack = FakeSlack()
        self.kube = FakeKube(TOKEN)
        self.clock = Clock()
        self.workspaces = Workspaces(self.slack, self.kube, HOSTS, PROXIES, self.clock)

    async def refresh(self, **spec: Any) -> WorkspaceState:
        return await self.workspaces.refresh(acme(**spec))

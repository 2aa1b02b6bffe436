"""The channel directory over a double of Slack."""

from tests.unit.pipeline.doubles import ALL_SCOPES, Clock, FakeSlack, identity
from tocsin.model.facts import ChannelLook
from tocsin.model.workspace import Connection, Identity
from tocsin.pipeline.channels import ChannelDirectory
from tocsin.pipeline.workspaces import WorkspaceState
from tocsin.redact import Secret

CONNECTION = Connection("monitoring/acme", Secret("xoxb-1-2-abc"))
INVITED = ALL_SCOPES - {"chat:write.public"}
"""The scopes of an app that must be invited to post."""


def ready(who: Identity) -> WorkspaceState:
    return WorkspaceState(
        "monitoring/acme", True, "Verified", "", connection=CONNECTION, identity=who
    )


class ChannelRig:
    """A directory over a workspace with four channels; without scopes the app has them all."""

    def __init__(self, *scopes: str) -> None:
        self.slack = FakeSlack()
        self.slack.has("C0OPS000001", "ops")
        self.slack.has("C0GENERAL01", "general", member=False)
        self.slack.has("C0ARCHIVE01", "old-ops", archived=True)
        self.slack.has("C0ONCALL001", "oncall", private=True)
        self.clock = Clock()
        self.directory = ChannelDirectory(self.slack, self.clock)
        self.state = ready(identity(*scopes))

    async def look(self, channel: str) -> ChannelLook:
        return await self.directory.check(self.state, channel)

"""A team in the cluster: a namespace, a Slack workspace, and the objects that join the two."""

from typing import Any

from tests.e2e.site import Document, Site
from tests.e2e.workspace import Workspace

API_VERSION = "tocsin.dev/v1alpha1"
SECRET = "slack-token"
CONFIG = "acme"
RECEIVER = "oncall"


class Tenant:
    """Its objects have fixed names: Secret `slack-token`, SlackConfig `acme`, SlackReceiver
    `oncall`.

    A `namespace` that is given must exist; without one a new one is made.
    """

    def __init__(self, site: Site, namespace: str = "") -> None:
        self.site = site
        self.slack = Workspace(site)
        self.namespace = namespace or site.make_namespace()
        self.config_place = f"slc/{CONFIG} {self.namespace}"
        self.receiver_place = f"slr/{RECEIVER} {self.namespace}"

    def declare(self, *channels: str, token: str = "", **spec: Any) -> str:
        """Apply Secret, SlackConfig and SlackReceiver; return the token, once all is ready.

        Channels are made in Slack, the app invited, where they do not exist yet.
        """
        for channel in channels:
            self.slack.open_channel(channel)
        token = token or self.slack.issue_token()
        self.site.apply(self.secret(token), self.config(), self.receiver(*channels, **spec))
        self.site.await_ready(self.receiver_place)
        return token

    def secret(self, token: str, name: str = SECRET, key: str = "token") -> Document:
        """A Secret that holds a token."""
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": self.namespace},
            "stringData": {key: token},
        }

    def config(self, name: str = CONFIG, secret: str = SECRET, **spec: Any) -> Document:
        """A SlackConfig for the stand-in."""
        given = {
            "tokenSecretRef": {"name": secret},
            "api": {"url": f"{self.site.slack_url}/api/"},
            **spec,
        }
        return self._custom("SlackConfig", name, given)

    def receiver(self, *channels: str, name: str = RECEIVER, **spec: Any) -> Document:
        """A SlackReceiver; it gets the alerts of its namespace unless `spec` says otherwise."""
        given = {
            "configRef": {"name": CONFIG},
            "channels": [f"#{channel}" for channel in channels],
            **spec,
        }
        return self._custom("SlackReceiver", name, given)

    def _custom(self, kind: str, name: str, spec: Document) -> Document:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

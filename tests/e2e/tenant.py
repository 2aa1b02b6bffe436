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
        self.token = ""
        self.config_place = f"slc/{CONFIG} {self.namespace}"
        self.receiver_place = f"slr/{RECEIVER} {self.namespace}"

    def declare(self, *channels: str, name: str = RECEIVER, **spec: Any) -> None:
        """Apply Secret, SlackConfig and SlackReceiver, and return once all is ready.

        Channels are made in Slack, the app invited, where they do not exist yet.
        """
        self.slack.open_channels(*channels)
        self.token = self.token or self.slack.issue_token()
        receiver = self.receiver(*channels, name=name, **spec)
        self.site.apply(self.secret(self.token), self.config(), receiver)
        self.site.await_ready(f"slr/{name} {self.namespace}")

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

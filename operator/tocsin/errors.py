"""Every error that Tocsin raises on purpose; raised by all layers, turned into answers in `edge`.

::

    TocsinError
    ├── SettingsInvalid         a setting is wrong; the operator does not start
    ├── ResourceInvalid         a custom resource is wrong; a condition on that object
    ├── PayloadRejected         what was posted to us is wrong; a 4xx answer
    ├── StoreError
    │   ├── StoreUnavailable    cannot commit now; a 503 answer, the dispatcher reloads
    │   └── StoreIncompatible   a newer schema, a locked file, a network filesystem; no start
    ├── KubeError
    │   ├── KubeNotFound        404
    │   ├── KubeForbidden       403
    │   └── KubeUnavailable     anything that may pass: time-outs, 5xx, 429
    └── SlackError
        ├── SlackTransient            not accepted, try again (429, refused connections)
        ├── SlackAmbiguous            may have been accepted (dropped connection, 5xx)
        ├── SlackCredentialRejected   the token is bad: the SlackConfig is not Ready
        ├── SlackDestinationRejected  this channel cannot be posted to
        ├── SlackMessageGone          the message to edit is gone or can no longer be edited
        └── SlackPayloadRejected      this message can never be sent

Messages are for people: what is wrong, where, what to do. They never hold a secret.
"""


class TocsinError(Exception):
    """Root of all errors raised on purpose."""


class SettingsInvalid(TocsinError):
    """A setting is wrong; the message names the variable and the cure."""


class ResourceInvalid(TocsinError):
    """A custom resource got past the schema and is still wrong.

    `field` is a path such as `spec.subscriptions[0].matchers[1].value`.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class PayloadRejected(TocsinError):
    """A posted payload cannot be understood at all; the text says where and why."""


class StoreError(TocsinError):
    """Root of the store's errors."""


class StoreUnavailable(StoreError):
    """The store cannot commit now, or whether it did is unknown."""


class StoreIncompatible(StoreError):
    """The store cannot be used by this process; the text says what to do."""


class KubeError(TocsinError):
    """Root of the API server's errors."""


class KubeNotFound(KubeError):
    """The object does not exist."""


class KubeForbidden(KubeError):
    """RBAC does not allow it."""


class KubeUnavailable(KubeError):
    """The API server did not answer as it should; later it may."""


class SlackError(TocsinError):
    """Root of Slack's errors; `code` is Slack's own word or the kind of failure."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class SlackTransient(SlackError):
    """Certainly not accepted; worth another try.

    `retry_after_seconds` is Slack's own demand, or None where it made none.
    """

    def __init__(
        self, code: str, message: str = "", retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(code, message)
        self.retry_after_seconds = retry_after_seconds


class SlackAmbiguous(SlackError):
    """The request left and no verdict came back: the message may be in the channel."""


class SlackCredentialRejected(SlackError):
    """The token is invalid, revoked, expired or lacks a scope."""


class SlackDestinationRejected(SlackError):
    """The channel does not exist, is archived, or the app may not post there."""


class SlackMessageGone(SlackError):
    """The message to edit was deleted or may no longer be edited."""


class SlackPayloadRejected(SlackError):
    """Slack refuses this message whatever the time."""

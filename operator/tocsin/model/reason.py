"""Named reasons: why something was sent, or why not.

Every decision carries one; they appear in decisions, statuses, metrics and logs. Following
Alertmanager's `NotifyReason`, extended by the reasons for silence that users ask about.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a message was sent, or was not."""

    # taken, and sent
    ROUTED = "Routed"
    FIRST = "FirstNotification"
    NEW_ALERTS = "NewAlerts"
    SEVERITY_ROSE = "SeverityRose"
    REPEAT = "RepeatInterval"
    STATE_CHANGED = "StateChanged"
    ALL_RESOLVED = "AllResolved"

    # not sent
    NO_MATCH = "NoMatch"
    UNCHANGED = "Unchanged"
    DUPLICATE = "Duplicate"
    RESOLVED_NOT_WANTED = "ResolvedNotWanted"
    RECEIVER_DISABLED = "ReceiverDisabled"
    RECEIVER_REMOVED = "ReceiverRemoved"
    MUTED = "Muted"
    SILENCED = "Silenced"
    INHIBITED = "Inhibited"
    STALE = "Stale"

    # cannot be sent
    CONFIG_NOT_READY = "ConfigNotReady"
    NOT_ALLOWED = "NotAllowed"
    CHANNEL_UNREACHABLE = "ChannelUnreachable"
    PAYLOAD_REFUSED = "PayloadRefused"
    EXPIRED = "DeliveryExpired"

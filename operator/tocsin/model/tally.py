"""What came of deliveries to one channel of one receiver; stored, so that it survives restarts."""

import msgspec


class Tally(msgspec.Struct, array_like=True):
    """Counters and the last outcomes; times in seconds since the epoch, 0 for never.

    `channel_id` is empty until Slack has told it. `blocked` is Slack's word for why nothing arrives
    now (`not_in_channel`, `is_archived`, ...), empty while it does; `blocked_message` is for
    people.
    """

    sent: int = 0
    failed: int = 0
    last_sent_at: float = 0.0
    channel_id: str = ""
    blocked: str = ""
    blocked_message: str = ""
    last_error: str = ""
    last_error_at: float = 0.0

"""What to do about a channel that cannot be posted to, in a sentence.

In: how Slack refused, or what its lists say, and who posts. Out: sentences for statuses and k8s
events. Pure. Called by `pipeline.channels`, before any message, and by `pipeline.sending`.
"""

from tocsin.model.channels import bare_name, is_conversation_id, is_member_id
from tocsin.model.workspace import Identity, TokenType


def cure(code: str, channel: str, identity: Identity) -> str:
    """Return what to do where Slack refuses a post to `channel` with `code`.

    Empty where Slack's own words have to do. `channel` is as the receiver names it.
    """
    name = bare_name(channel)
    is_id = is_conversation_id(name) or is_member_id(name)
    shown = name if is_id else f"#{name}"
    match code:
        case "not_in_channel":
            return join(shown, identity)
        case "is_archived":
            return unarchive(shown)
        case "channel_not_found":
            return look_for(
                f"channel with the ID {name}" if is_id else f"channel {shown}", identity
            )
        case _:
            return ""


def join(shown: str, identity: Identity) -> str:
    """Say how to get into a channel, which is `shown` as people write it."""
    if identity.token_type is TokenType.USER:
        return f"@{identity.user} is not in {shown}, and must join it"
    return f"the app is not in {shown}: type /invite @{identity.user} there"


def unarchive(shown: str) -> str:
    """Say what to do about an archived channel."""
    return f"{shown} is archived: unarchive it, or name another"


def look_for(what: str, identity: Identity) -> str:
    """Say what to do about a channel that Slack shows us nothing of."""
    return (
        f"the app sees no {what}: check the name; if it is private, type "
        f"/invite @{identity.user} there"
    )

"""From what is known of a resource to its status, and to what people should be told of it.

In: facts, the status as last shown, and now. Out: a `Report`. Called by `pipeline.findings`; the
status writer writes what differs. Conditions follow kstatus: Reconciling and Stalled are present
only while true. No message carries a number that moves.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from tocsin.model.channels import bare_name, is_conversation_id, is_member_id
from tocsin.model.conditions import Condition, ConditionStatus
from tocsin.model.facts import (
    Announcement,
    ChannelFacts,
    ChannelLook,
    ConfigFacts,
    ReceiverFacts,
    Report,
    Verdict,
)
from tocsin.model.statuses import (
    Bot,
    ChannelStatus,
    SlackConfigStatus,
    SlackReceiverStatus,
    Team,
    Totals,
)
from tocsin.redact import redact

DISABLED: Final = "Disabled"
"""The reason of all that a receiver with `enabled: false` shows."""
_NAMED_TROUBLES: Final = 5


@dataclass(frozen=True, slots=True)
class _Said:
    """A condition without its time."""

    type: str
    status: ConditionStatus
    reason: str
    message: str


def report_config(facts: ConfigFacts, shown: Mapping[str, Any], now: float) -> Report:
    """Return the status of a SlackConfig; `shown` is the one written last, empty for none."""
    who = facts.identity
    status = SlackConfigStatus(
        observed_generation=facts.generation,
        conditions=_dated(_ready(facts.verdict), facts.generation, shown, now),
        team=who and Team(id=who.team_id, name=who.team, url=who.url or None),
        bot=who and Bot(id=who.bot_id or None, user_id=who.user_id, name=who.user),
        token_type=who and who.token_type.value,
        scopes=tuple(sorted(who.scopes)) if who else (),
        capabilities=facts.capabilities,
        receivers=facts.receivers,
        last_verified_time=_moment(facts.verified_at),
    )
    return Report(_dumped(status), tuple(_ready_flips(facts.verdict, shown)))


def report_receiver(facts: ReceiverFacts, shown: Mapping[str, Any], now: float) -> Report:
    """Return the status of a SlackReceiver; `shown` is the one written last, empty for none."""
    channels = [_settled(channel) for channel in facts.channels]
    verdict = _with_twins(facts.verdict, channels)
    said = [*_ready(verdict), _delivering(facts, channels)]
    status = SlackReceiverStatus(
        observed_generation=facts.generation,
        conditions=_dated(said, facts.generation, shown, now),
        channels=tuple(map(_channel_status, channels)),
        totals=_totals(channels),
    )
    flips = [*_ready_flips(verdict, shown), *_channel_flips(channels, shown)]
    return Report(_dumped(status), tuple(flips))


def difference(shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that turns `shown` into `wanted`; empty for none."""
    patch: dict[str, Any] = {name: None for name in shown if name not in wanted}
    for name, value in wanted.items():
        before = shown.get(name)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := difference(before, value):
                patch[name] = inner
        elif name not in shown or before != value:
            patch[name] = value
    return patch


def _dumped(status: SlackConfigStatus | SlackReceiverStatus) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def _ready(verdict: Verdict) -> list[_Said]:
    reason, message = verdict.reason, verdict.message
    if verdict.ready:
        return [_Said("Ready", "True", reason, message)]
    abnormal = "Reconciling" if verdict.may_pass else "Stalled"
    return [_Said("Ready", "False", reason, message), _Said(abnormal, "True", reason, message)]


def _delivering(facts: ReceiverFacts, channels: Sequence[ChannelFacts]) -> _Said:
    """Whether Slack takes this receiver's messages: the worst of its channels decides."""
    if not facts.verdict.ready:
        return _Said("Delivering", "False", facts.verdict.reason, facts.verdict.message)
    if not facts.enabled:
        return _Said("Delivering", "Unknown", DISABLED, facts.verdict.message)
    troubles = [each for each in channels if each.look.reachable == "False"]
    if troubles:
        named = " | ".join(map(_trouble, troubles[:_NAMED_TROUBLES]))
        more = " | and more channels, see status.channels" * (len(troubles) > _NAMED_TROUBLES)
        return _Said("Delivering", "False", troubles[0].look.reason, named + more)
    for each in channels:
        if each.look.reachable == "Unknown":
            return _Said("Delivering", "Unknown", each.look.reason, _about(each.look))
    if any(each.tally.sent for each in channels):
        return _Said("Delivering", "True", "Delivered", "Slack takes the messages")
    message = "every channel can be posted to; there was nothing to send yet"
    return _Said("Delivering", "True", "Reachable", message)


def _trouble(channel: ChannelFacts) -> str:
    return _about(channel.look) + "; its messages wait" * bool(channel.waiting)


def _about(look: ChannelLook) -> str:
    """The message of a look, which says once which channel it is about."""
    name = _shown_name(look)
    return look.message if name in look.message else f"{name}: {look.message}"


def _dated(
    said: Sequence[_Said], generation: int, shown: Mapping[str, Any], now: float
) -> tuple[Condition, ...]:
    """Add times: a status that was shown before keeps the time since when it holds."""
    since = {(each.type, each.status): each.last_transition_time for each in _conditions(shown)}
    return tuple(
        Condition(
            type=each.type,
            status=each.status,
            reason=each.reason,
            message=redact(each.message),
            last_transition_time=since.get((each.type, each.status), _at(now)),
            observed_generation=generation,
        )
        for each in said
    )


def _conditions(status: Mapping[str, Any]) -> Iterator[Condition]:
    """The conditions of a status that anybody may have written: malformed ones do not count."""
    for each in status.get("conditions") or ():
        try:
            yield Condition.model_validate(each)
        except ValidationError:
            continue


def _settled(channel: ChannelFacts) -> ChannelFacts:
    """Weigh the look at a channel against what deliveries to it met.

    A block is over once a look shows the channel open, unless messages wait: then the next attempt
    is the judge. A channel that cannot be looked up is reachable since it took a message.
    """
    look, tally = channel.look, channel.tally
    look = replace(look, id=look.id or tally.channel_id)
    if tally.blocked and (look.reachable != "True" or channel.waiting):
        look = replace(
            look,
            reachable="False",
            reason=_camel_case(tally.blocked),
            message=tally.blocked_message,
        )
    elif look.reachable == "Unknown" and tally.sent and look.reason != DISABLED:
        look = replace(look, reachable="True", reason="Delivered", message="")
    return replace(channel, look=look)


def _camel_case(code: str) -> str:
    """`not_in_channel` is NotInChannel; a word that begins with a capital stays as it is."""
    if code[:1].isupper():
        return code
    return "".join(part.capitalize() for part in code.split("_"))


def _with_twins(verdict: Verdict, channels: Sequence[ChannelFacts]) -> Verdict:
    """Mention channels that the receiver names twice; harmless, each message goes there once."""
    first: dict[str, ChannelLook] = {}
    twins = []
    for look in (each.look for each in channels if each.look.id):
        if look.id in first:
            twins.append(f"{_shown_name(first[look.id])} and {_shown_name(look)}")
        first.setdefault(look.id, look)
    if not twins or not verdict.ready:
        return verdict
    note = f"{', '.join(twins)} are the same channel: keep one name of it"
    return replace(verdict, reason="SameChannel", message=f"{verdict.message}; {note}")


def _channel_status(channel: ChannelFacts) -> ChannelStatus:
    look, tally = channel.look, channel.tally
    return ChannelStatus(
        name=look.name,
        id=look.id or None,
        reachable=look.reachable,
        reason=look.reason or None,
        last_sent_time=_moment(tally.last_sent_at),
        last_error=redact(tally.last_error) or None,
        sent=tally.sent,
        failed=tally.failed,
        pending=channel.waiting,
    )


def _totals(channels: Sequence[ChannelFacts]) -> Totals:
    return Totals(
        channels=len(channels),
        reachable=sum(each.look.reachable == "True" for each in channels),
        sent=sum(each.tally.sent for each in channels),
        failed=sum(each.tally.failed for each in channels),
        pending=sum(each.waiting for each in channels),
        last_sent_time=_moment(max((each.tally.last_sent_at for each in channels), default=0.0)),
    )


def _ready_flips(verdict: Verdict, shown: Mapping[str, Any]) -> Iterator[Announcement]:
    """Tell that Ready changed; of a new object only if it is not ready."""
    before = next((each.status for each in _conditions(shown) if each.type == "Ready"), "True")
    if verdict.ready != (before == "True"):
        yield Announcement(verdict.reason, redact(verdict.message), warn=not verdict.ready)


def _channel_flips(
    channels: Sequence[ChannelFacts], shown: Mapping[str, Any]
) -> Iterator[Announcement]:
    """Tell which channels cannot be posted to any more, and which can again."""
    before = {each.get("name"): each.get("reachable") for each in shown.get("channels") or ()}
    for channel in channels:
        look = channel.look
        was_closed = before.get(look.name) == "False"
        if look.reachable == "False" and not was_closed:
            yield Announcement(look.reason, redact(_trouble(channel)), warn=True)
        elif look.reachable == "True" and was_closed:
            note = f"{_shown_name(look)}: messages can be posted again"
            yield Announcement("ChannelReachable", note, warn=False)


def _shown_name(look: ChannelLook) -> str:
    """A channel as people write it: `#name`, or its ID."""
    name = bare_name(look.name)
    return name if is_conversation_id(name) or is_member_id(name) else f"#{name}"


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _moment(seconds: float) -> datetime | None:
    """A time of seconds since the epoch; None for 0, which is never."""
    return _at(seconds) if seconds else None

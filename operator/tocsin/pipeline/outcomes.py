"""What an attempt's start and its outcome change in an outbox entry and in a channel's tally.

Pure changes of memory, called by delivery and settling, which commit them.
"""

from collections.abc import Mapping

from tocsin.errors import SlackError
from tocsin.model.group import Attempt, Operation, OutboxEntry
from tocsin.model.message import MessageRef
from tocsin.model.reason import Reason
from tocsin.model.signal import SignalId
from tocsin.model.tally import Tally


def begin(entry: OutboxEntry, attempt: Attempt) -> None:
    """Mark a delivery as under way; the reason it carries no longer waits."""
    entry.attempt = attempt
    if attempt.operation is not Operation.EDIT:
        entry.notify = None


def succeed(entry: OutboxEntry, tally: Tally, ref: MessageRef | None, now: float) -> bool:
    """Record that Slack has it; `ref` is where, None for an edit. Return whether that is news.

    It is news where the channel was blocked before, or never reached.
    """
    attempt = _attempt(entry)
    entry.told.update(attempt.told)
    entry.attempt = None
    entry.failures = 0
    entry.last_error = ""
    if attempt.operation is not Operation.REPLY:
        entry.shown = attempt.version
    if attempt.operation is Operation.EDIT:
        _rest(entry)
        return False
    if ref is not None and attempt.operation is Operation.POST:
        entry.ref = ref
    entry.told_at = attempt.started_at
    entry.severity = max(entry.severity, attempt.severity)
    _rest(entry)
    news = not tally.sent or bool(tally.blocked)
    tally.sent += 1
    tally.last_sent_at = now
    tally.blocked = tally.blocked_message = ""
    if ref is not None:
        tally.channel_id = ref.channel_id
    return news


def retry(entry: OutboxEntry, error: SlackError) -> None:
    """Record that an attempt was certainly not accepted: what it was for waits again."""
    attempt = _attempt(entry)
    entry.attempt = None
    entry.failures += 1
    entry.last_error = str(error)
    if attempt.operation is not Operation.EDIT:
        entry.notify = attempt.reason  # also over one that came since: the reader knows of neither


def nothing_left(entry: OutboxEntry, operation: Operation) -> None:
    """Record that an operation turned out to have nothing to tell.

    A reply about what has ended meanwhile leaves the edit that shows the end still to be made.
    """
    entry.notify = None
    if operation is not Operation.REPLY:
        entry.shown = entry.wanted
    _rest(entry)


def replace(entry: OutboxEntry) -> None:
    """Record that the message is gone or frozen: one fresh post takes its place."""
    attempt = _attempt(entry)
    entry.attempt = None
    entry.ref = None
    if entry.notify is None:
        is_edit = attempt.operation is Operation.EDIT
        entry.notify = Reason.STATE_CHANGED if is_edit else attempt.reason


def give_up(
    entry: OutboxEntry,
    tally: Tally,
    why: tuple[Reason, str],
    told: tuple[Mapping[SignalId, float], int],
    now: float,
) -> None:
    """Record that a delivery is dead: `why` is its reason and a sentence for people.

    `told` are the signals that it would have told, and their highest severity; they count as told,
    so that only news is tried again.
    """
    reason, text = why
    signals, severity = told
    entry.told.update(signals)
    entry.severity = max(entry.severity, severity)
    entry.told_at = now
    entry.attempt = None
    entry.notify = None
    entry.failures = 0
    entry.shown = entry.wanted
    entry.dead = f"{reason}: {text}"
    entry.waiting_since = 0.0
    tally.failed += 1
    tally.last_error = entry.dead
    tally.last_error_at = now


def _rest(entry: OutboxEntry) -> None:
    if entry.notify is None and entry.shown >= entry.wanted:
        entry.waiting_since = 0.0


def _attempt(entry: OutboxEntry) -> Attempt:
    assert entry.attempt is not None, "an outcome without an attempt"
    return entry.attempt

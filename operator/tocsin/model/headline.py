"""The headline of a message: in what state, what, where.

A `GroupView` and its `Overview` come in, plain escaped text goes out; rendering calls it, for the
header that stands in the channel and for the sentence on a phone's lock screen.
"""

from typing import Final

from tocsin.model.blocks import HEADER_LIMIT
from tocsin.model.message import GroupView
from tocsin.model.mrkdwn import fit, length, one_line
from tocsin.model.overview import Overview
from tocsin.model.reason import Reason
from tocsin.model.signal import Status

_FALLBACK_LIMIT: Final = 300
_FALLBACK_TEXT_ROOM: Final = 100
_NAMES_SHOWN: Final = 2
_NAME_TOLD_LENGTH: Final = 60
_PLACE_LIMITS: Final = {"namespace": 40, "cluster": 30}

_NOTICE_WORDS: Final = {
    "event": ("Kubernetes event", "Kubernetes events"),
    "auditing": ("Audit record", "audit records"),
}
"""By KubeSphere's label `alerttype`: the word for one, and for several."""
_OTHER_NOTICE_WORDS: Final = ("Notice", "notices")


def state_words(view: GroupView, group: Overview) -> str:
    """Return the group's state: `Firing`, `3 firing`, `Resolved`, `2 audit records`."""
    if not view.firing:
        word = "Fired and resolved" if view.reason is Reason.FIRST else "Resolved"
        return counted(len(view.resolved), word, word.lower())
    notices = sum(signal.status is Status.INSTANT for signal in view.firing)
    firing = len(view.firing) - notices
    one, several = _NOTICE_WORDS.get(group.shared.get("alerttype", ""), _OTHER_NOTICE_WORDS)
    if not notices:
        return counted(firing, "Firing", "firing")
    if not firing:
        return counted(notices, one, several)
    return f"{firing:,} firing, {notices:,} {several if notices > 1 else one.lower()}"


def headline(lead: str, group: Overview) -> str:
    """Return `🔴 3 firing: KubePodCrashLooping — payments (prod-eu)`, fit for a header.

    `lead` is what stands before the colon. Long names give way to the place.
    """
    return _sentence(lead, " — ", group, HEADER_LIMIT)


def fallback(lead: str, group: Overview, text: str) -> str:
    """Return `🔴 3 firing: KubePodCrashLooping in payments (prod-eu) – Pod is crash looping.`

    At most 300 characters; `text` is as it came, and may be empty.
    """
    sentence = _sentence(lead, " in ", group, _FALLBACK_LIMIT - _FALLBACK_TEXT_ROOM)
    rest = one_line(text, _FALLBACK_LIMIT - length(sentence) - len(" – "))
    return f"{sentence} – {rest}" if rest else sentence


def counted(count: int, one: str, several: str) -> str:
    """Return `one` for one, `3 several` for three."""
    return one if count == 1 else f"{count:,} {several}"


def labels_told(group: Overview) -> frozenset[str]:
    """Return the names of the shared labels that a headline tells, be it as a word."""
    told = {
        label
        for label, limit in _PLACE_LIMITS.items()
        if one_line(text := group.shared.get(label, ""), limit) == one_line(text, limit * 2)
    }
    if len(group.names) == 1 and len(group.names[0]) <= _NAME_TOLD_LENGTH:
        told.add("alertname")
    return frozenset(told | {"alerttype"})


def _sentence(lead: str, before_namespace: str, group: Overview, limit: int) -> str:
    namespace = one_line(group.shared.get("namespace", ""), _PLACE_LIMITS["namespace"])
    cluster = one_line(group.cluster, _PLACE_LIMITS["cluster"])
    place = (before_namespace + namespace if namespace else "") + (
        f" ({cluster})" if cluster else ""
    )
    room = limit - length(lead) - len(": ") - length(place)
    what = fit(one_line(_what(group), limit), room) or "alert"
    return f"{lead}: {what}{place}"


def _what(group: Overview) -> str:
    """Return the alerts' names, or where they have none the labels that they share."""
    names = group.names or [
        f"{label}={group.shared[label]}"
        for label in sorted(group.shared.keys() - _PLACE_LIMITS.keys())
    ]
    shown = ", ".join(names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown

"""Specs that are wrong in one way each, and the words with which they must be refused.

Judged twice: by the API server (`tests/kube/test_schema.py`), and by our own parsing, for objects
that an older CRD let in (`tests/unit/model/test_resources.py`).
"""

from dataclasses import dataclass
from typing import Any

CONFIG: dict[str, Any] = {"tokenSecretRef": {"name": "slack-token"}}
RECEIVER: dict[str, Any] = {"configRef": {"name": "acme"}, "channels": ["#alerts"]}

_CHANNEL = "must be a channel name (lower-case letters, digits, hyphens and underscores"
_TWICE = "must not name a channel twice, with and without #"
_DURATION = "must be a duration such as 30s, 5m, 1h30m, 12h or 1d"
_ZONE = "must be a time zone of the IANA database, such as Europe/Berlin"
_URL = "must be an https URL without user, query and fragment"
_VALUES = "must have values with In and NotIn, and none with Exists and DoesNotExist"
_SELECTOR = "must have a selector with from: Selector, and none otherwise"
_REGEX_SERVER = "missing closing ): `a(` evaluating rule: value must be a regular expression (RE2)"
_REGEX_OURS = "value: not a regular expression (RE2): missing ): a("


@dataclass(frozen=True)
class Refused:
    """A wrong spec; `field` as kubectl writes it, `words` the server's, `ours` if they differ."""

    what: str
    kind: str
    spec: dict[str, Any]
    field: str
    words: str
    ours: str = ""


def _config(what: str, change: dict[str, Any], field: str, words: str, ours: str = "") -> Refused:
    return Refused(what, "SlackConfig", {**CONFIG, **change}, field, words, ours)


def _receiver(what: str, change: dict[str, Any], field: str, words: str, ours: str = "") -> Refused:
    return Refused(what, "SlackReceiver", {**RECEIVER, **change}, field, words, ours)


def _subscription(
    what: str, change: dict[str, Any], field: str, words: str, ours: str = ""
) -> Refused:
    one = {"name": "one", "source": "alerts", **change}
    where = f"spec.subscriptions[0]{field}"
    return _receiver(what, {"subscriptions": [one]}, where, words, ours)


def _matcher(what: str, matcher: dict[str, Any], field: str, words: str, ours: str = "") -> Refused:
    return _subscription(what, {"matchers": [matcher]}, f".matchers[0]{field}", words, ours)


def _mute(what: str, change: dict[str, Any], field: str, words: str, ours: str = "") -> Refused:
    return _receiver(what, {"muteTimes": [change]}, f"spec.muteTimes[0]{field}", words, ours)


_CONFIGS = [
    Refused("no secret", "SlackConfig", {}, "spec", "exactly one of tokenSecretRef and webhookSec"),
    _config(
        "both secrets",
        {"webhookSecretRef": {"name": "hook"}},
        "spec",
        "must have exactly one of tokenSecretRef and webhookSecretRef",
    ),
    _config(
        "a secret in another namespace",
        {"tokenSecretRef": {"name": "other/slack-token"}},
        "spec.tokenSecretRef.name",
        "must be the name of an object",
    ),
    _config(
        "a secret without a name",
        {"tokenSecretRef": {"key": "token"}},
        "spec.tokenSecretRef.name",
        "Required value",
        "Field required",
    ),
    _config(
        "a key with a space",
        {"tokenSecretRef": {"name": "a", "key": "my token"}},
        "spec.tokenSecretRef.key",
        "must be a key of the object's data",
    ),
    _config("a plain http API", {"api": {"url": "http://slack.com/api/"}}, "spec.api.url", _URL),
    _config("a user in the URL", {"api": {"url": "https://a:b@slack.com"}}, "spec.api.url", _URL),
    _config("a disguised host", {"api": {"url": "http://127.0.0.1.evil"}}, "spec.api.url", _URL),
    _config(
        "a password for the proxy",
        {"api": {"proxyUrl": "http://me:secret@proxy:3128"}},
        "spec.api.proxyUrl",
        "without user and password",
    ),
    _config("a long timeout", {"api": {"timeout": "5m"}}, "spec.api.timeout", "from 1s to 60s"),
    _config(
        "a CA in a Pod",
        {"api": {"caBundleRef": {"kind": "Pod", "name": "a"}}},
        "spec.api.caBundleRef.kind",
        'supported values: "ConfigMap", "Secret"',
        "Input should be 'ConfigMap' or 'Secret'",
    ),
    _config("an emoji without colons", {"iconEmoji": "bell"}, "spec.iconEmoji", "such as :bell:"),
    _config("an icon over http", {"iconUrl": "http://a/b"}, "spec.iconUrl", "must be an https URL"),
    _config(
        "two icons",
        {"iconEmoji": ":bell:", "iconUrl": "https://a/b"},
        "spec",
        "must have at most one of iconEmoji and iconUrl",
    ),
    _config(
        "no selector", {"allowedNamespaces": {"from": "Selector"}}, "spec.allowedNam", _SELECTOR
    ),
    _config(
        "a selector for nothing",
        {"allowedNamespaces": {"from": "All", "selector": {"matchLabels": {"a": "b"}}}},
        "spec.allowedNamespaces",
        _SELECTOR,
    ),
    *(
        _config(
            f"{operator} with {len(values)} values",
            {
                "allowedNamespaces": {
                    "from": "Selector",
                    "selector": {
                        "matchExpressions": [{"key": "a", "operator": operator, "values": values}]
                    },
                }
            },
            "spec.allowedNamespaces.selector.matchExpressions[0]",
            _VALUES,
        )
        for operator, values in (("In", []), ("Exists", ["a"]))
    ),
    _config(
        "a glob with a space",
        {"allowedChannels": ["ops *"]},
        "spec.allowedChannels[0]",
        "must be a channel's name or ID",
    ),
]

_CHANNELS = [
    _receiver(
        "21 channels",
        {"channels": [f"#c{number}" for number in range(21)]},
        "spec.channels",
        "must have at most 20 items",
        "at most 20 items",
    ),
    _receiver("no channels", {"channels": []}, "spec.channels", "at least 1 item"),
    Refused(
        "absent channels",
        "SlackReceiver",
        {"configRef": {"name": "acme"}},
        "spec.channels",
        "Required value",
        "Field required",
    ),
    _receiver(
        "a duplicate", {"channels": ["#a", "#a"]}, "spec.channels", "Duplicate value", _TWICE
    ),
    _receiver("a duplicate without #", {"channels": ["#a", "a"]}, "spec.channels", _TWICE),
    *(
        _receiver(f"the channel name {name!r}", {"channels": [name]}, "spec.channels[0]", _CHANNEL)
        for name in ("Ops", "ops team", "#", "##ops", "ops.team", "@ops", "ops!", "c024be91L", "É")
    ),
    _receiver(
        "81 characters",
        {"channels": ["a" * 81]},
        "spec.channels[0]",
        "must have at most 80 characters after the #",
    ),
    _receiver("an empty channel", {"channels": [""]}, "spec.channels[0]", "at least 1 char"),
]

_SUBSCRIPTIONS = [
    _subscription(
        "an unknown source",
        {"source": "weather"},
        ".source",
        'supported values: "alerts", "rules", "events", "audit", "gitlab", "slack"',
        "Input should be 'alerts', 'rules', 'events', 'audit', 'gitlab' or 'slack'",
    ),
    _subscription("a name with a capital", {"name": "Urgent"}, ".name", "lower-case letters"),
    _receiver(
        "two of one name",
        {"subscriptions": [{"name": "one", "source": "alerts"}] * 2},
        "spec.subscriptions",
        "Duplicate value",
        "must have distinct names",
    ),
    _receiver(
        "33 subscriptions",
        {"subscriptions": [{"name": f"s{number}", "source": "alerts"} for number in range(33)]},
        "spec.subscriptions",
        "must have at most 32 items",
        "at most 32 items",
    ),
    _subscription(
        "21 channels of its own",
        {"channels": [f"#c{number}" for number in range(21)]},
        ".channels",
        "must have at most 20 items",
        "at most 20 items",
    ),
    *(
        _subscription(f"groupWait {text!r}", {"groupWait": text}, ".groupWait", _DURATION)
        for text in ("5", "5x", "1m1h", "-1s", "1.5h", "1h 30m", "soon")
    ),
    _subscription("repeatInterval 0", {"repeatInterval": "0s"}, ".repeatInterval", "longer than 0"),
    _subscription("groupInterval 0", {"groupInterval": "0"}, ".groupInterval", "longer than 0"),
    _subscription(
        "... beside others", {"groupBy": ["...", "a"]}, ".groupBy", "'...' and 'sender' must stand"
    ),
    _subscription("sender beside others", {"groupBy": ["a", "sender"]}, ".groupBy", "must stand"),
    _subscription(
        "unknown updates",
        {"updates": "Never"},
        ".updates",
        'supported values: "Thread", "Edit", "Post"',
        "Input should be 'Thread', 'Edit' or 'Post'",
    ),
    _subscription(
        "the block of another source",
        {"events": {"minCount": 3, "within": "10m"}},
        "",
        "events may be set with source: events only",
    ),
    _subscription(
        "gitlab's block elsewhere",
        {"gitlab": {"branches": "All"}},
        "",
        "gitlab may be set with source: gitlab only",
    ),
    _subscription(
        "a count of 0",
        {"source": "events", "events": {"minCount": 0, "within": "10m"}},
        ".events.minCount",
        "greater than or equal to 1",
    ),
    _matcher("an empty label", {"name": "", "value": "a"}, ".name", "at least 1 char"),
    _matcher(
        "an unknown match type",
        {"name": "a", "value": "b", "matchType": "~"},
        ".matchType",
        'supported values: "=", "!=", "=~", "!~"',
        "Input should be '=', '!=', '=~' or '!~'",
    ),
    *(
        _matcher(
            f"a regular expression after {match_type}",
            {"name": "a", "value": "a(", "matchType": match_type},
            "",
            _REGEX_SERVER,
            _REGEX_OURS,
        )
        for match_type in ("=~", "!~")
    ),
]

_TIMES = [
    _mute("an unknown zone", {"location": "Europe/Nowhere"}, ".location", _ZONE),
    _mute("an offset as zone", {"location": "+02:00"}, ".location", _ZONE),
    _mute(
        "25 o'clock",
        {"times": [{"startTime": "09:00", "endTime": "25:00"}]},
        ".times[0].endTime",
        "must be a time from 00:00 to 24:00",
    ),
    _mute(
        "an end before the start",
        {"times": [{"startTime": "17:00", "endTime": "09:00"}]},
        ".times[0]",
        "must start before its end",
    ),
    _mute("an unknown weekday", {"weekdays": ["mon"]}, ".weekdays[0]", "must be a weekday"),
    _mute("day 0", {"daysOfMonth": ["0"]}, ".daysOfMonth[0]", "must be a day of the month"),
    _mute("month 13", {"months": ["13"]}, ".months[0]", "must be a month"),
    _mute("a short year", {"years": ["26"]}, ".years[0]", "must be a year"),
]

_OTHERS = [
    Refused(
        "no config", "SlackReceiver", {"channels": ["#a"]}, "spec.configRef", "Required", "required"
    ),
    _receiver(
        "an unknown built-in policy",
        {"builtin": ["weather"]},
        "spec.builtin[0]",
        'supported values: "alerts", "events", "audit"',
        "Input should be 'alerts', 'events' or 'audit'",
    ),
]

REFUSED = [*_CONFIGS, *_CHANNELS, *_SUBSCRIPTIONS, *_TIMES, *_OTHERS]

"""Text from outside made safe for Slack: neutralised, escaped, shortened; code spans and links.

Anything may come in: control characters, direction overrides, half characters, megabytes. What
goes out encodes to UTF-8, holds no markup of its own, and fits. Rendering calls it. Follows Slack's
"Formatting message text": `& < >` are entities, `<…>` is special parsing.

Lengths are in UTF-16 units, the strictest way in which Slack may count them.
"""

import re
from typing import Final
from unicodedata import category

ELLIPSIS: Final = "…"

_UNSEEN: Final = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but tab and line feed
    "\xad\u180e\u200b\u2060-\u2065\ufeff"  # no width
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # for layout
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"  # annotations, tags, no characters
    "\ud800-\udfff"  # halves of a character
    "]|(?<![^\x00-\x7f])[\u200c\u200d]"  # joiners are writing in some scripts, never in ASCII
)
_REPLACEMENT: Final = "\ufffd"
_SPACE: Final = "␣"
_BROADCAST: Final = re.compile("(?<![a-z0-9])@(?=here|channel|everyone|group)", re.IGNORECASE)
_HALF_ENTITY: Final = re.compile(r"&[a-z]{0,3}\Z")
_URL: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|\w[\w.-]*)(?::[0-9]{1,5})?(?:[/?#]\S*)?", re.IGNORECASE
)
_URL_ESCAPES: Final = str.maketrans(
    {
        "&": "&amp;",
        "<": "%3C",
        ">": "%3E",
        "|": "%7C",
        "`": "%60",
        '"': "%22",
        "@": "%40",
        "\\": "%5C",
    }
)
_RAW_FACTOR: Final = 4
_CLUSTER_MAX: Final = 32


def one_line(text: str, limit: int) -> str:
    """Return `text` as one line of at most `limit`, escaped; runs of white space become one space.

    Empty only where `text` has nothing but white space.
    """
    return fit(_escaped(" ".join(text[: limit * _RAW_FACTOR].split())), limit)


def paragraph(text: str, limit: int, max_lines: int) -> str:
    """Return `text` with its lines kept, of at most `limit` and `max_lines`, escaped."""
    kept: list[str] = []
    for raw in text[: limit * _RAW_FACTOR].strip().splitlines():
        row = raw.rstrip()
        if row or (kept and kept[-1]):
            kept.append(row)
    joined = "\n".join(kept[:max_lines]) + (ELLIPSIS if len(kept) > max_lines else "")
    return fit(_escaped(joined), limit)


def code(text: str, limit: int) -> str:
    """Return `text` as a code span, in which Slack formats nothing; backticks become look-alikes.

    `limit` includes the two backticks. White space alone, which makes no code span, shows as `␣`.
    """
    inside = text[: limit * _RAW_FACTOR].replace("`", "ˋ")
    return f"`{one_line(inside, limit - 2) or _SPACE}`"


def link(url: str, label: str, limit: int) -> str:
    """Return `<url|label>`, or an empty string where that is no sane web address or too long.

    Sane is http or https with a plain host: no user part, which phishing hides behind, no white
    space and nothing invisible. `label` is ours, not escaped.
    """
    if len(url) > limit or _URL.fullmatch(url) is None or _UNSEEN.search(url):
        return ""
    scheme, rest = url.split(":", 1)
    markup = f"<{scheme.lower()}:{rest.translate(_URL_ESCAPES)}|{label}>"
    return markup if length(markup) <= limit else ""


def length(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def fit(escaped: str, limit: int) -> str:
    """Return escaped text of at most `limit`, cut with an ellipsis between characters.

    Never cuts inside an entity, nor (as far as 32 code points reach) inside what a reader sees as
    one character. Must not be given markup such as links or date tokens.
    """
    if length(escaped) <= limit:
        return escaped
    head = escaped.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    end = _cluster_start(escaped, len(_whole_entities(head)))
    return _whole_entities(escaped[:end]).rstrip() + ELLIPSIS


def _escaped(text: str) -> str:
    seen = text if text.isprintable() else _UNSEEN.sub(_REPLACEMENT, text)
    escaped = seen.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _BROADCAST.sub("＠", escaped) if "@" in escaped else escaped


def _whole_entities(head: str) -> str:
    return _HALF_ENTITY.sub("", head)


def _cluster_start(text: str, end: int) -> int:
    """Return where the visible character that `end` may be inside of starts."""
    for start in range(end, max(0, end - _CLUSTER_MAX), -1):
        if not _belongs_together(text[start - 1], text[start]):
            return start
    return end


def _belongs_together(before: str, after: str) -> bool:
    return (
        after == "\u200d"
        or before == "\u200d"
        or category(after) in ("Mn", "Mc", "Me")
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or (_is_flag_half(before) and _is_flag_half(after))
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"

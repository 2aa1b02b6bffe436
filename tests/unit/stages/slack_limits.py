"""What Slack documents of messages, as a checker of its own, and what ours must not contain.

Written from docs.slack.dev (Block Kit reference, "Formatting message text"), not from the renderer.
Lengths are in UTF-16 units, the strictest way to count.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.model.message import Message

MAX_TEXT = 300
MAX_BLOCKS = 50
MAX_CHARACTERS = 12_000
MAX_OF_TEXT = {"header": 150, "section": 3_000, "context": 3_000}
MAX_URL = 3_000

LINK = re.compile(r"<(https?://[^<>|\s]+)\|(?:Runbook|Dashboard|Graph)>")
DATE = re.compile(
    r"<!date\^[0-9]+\^\{date_short_pretty\} \{time\}\|[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{5} UTC>"
)
CODE = re.compile(r"`[^`\n]+`")
BARE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")
BROADCAST = re.compile(r"(?<![a-z0-9])@(?:here|channel|everyone|group)(?![a-z0-9])", re.IGNORECASE)
OWN_WORDS = re.compile(
    r"[🔴🟠🟡🔵⚪✅ \n·–,()]|[0-9]+[dhms]\b|\+?[0-9,]+\b"
    r"|\b(?:critical|error|warning|info|none|unrated|since|at|began|lasted|over|before|this|could"
    r"|be|sent|after|resolved|firing|in|all|and|more|one|of|the|same)\b"
)
WRITING_FORMATS = re.compile(
    "[\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2]|[\U000110bd\U000110cd]"
)


def violations(message: Message) -> list[str]:
    """What is wrong with a message; empty when nothing is."""
    document = {
        "text": message.text,
        "blocks": list(message.blocks),
        "attachments": list(message.attachments),
    }
    json.dumps(document, ensure_ascii=False).encode()
    found = list(_of_text("text", message.text, MAX_TEXT))
    found += [f"attachments: {len(message.attachments)}"] if len(message.attachments) > 1 else []
    blocks = list(message.blocks)
    for attachment in message.attachments:
        if attachment.keys() != {"color", "blocks"}:
            found.append(f"attachment keys {sorted(attachment)}")
        if not re.fullmatch("#[0-9a-f]{6}", attachment["color"]):
            found.append(f"colour {attachment['color']}")
        found += [] if attachment["blocks"] else ["attachment without blocks"]
        blocks += attachment["blocks"]
    found += [f"{len(blocks)} blocks"] if len(blocks) > MAX_BLOCKS else []
    found += [problem for block in blocks for problem in _of_block(block)]
    characters = sum(units(text["text"]) for block in blocks for text in _texts(block))
    found += [f"{characters} characters"] if characters > MAX_CHARACTERS else []
    return found


def units(text: str) -> int:
    """The length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def _texts(block: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(block["elements"]) if block["type"] == "context" else [block["text"]]


def _of_block(block: Mapping[str, Any]) -> Iterator[str]:
    kind = block["type"]
    held = "elements" if kind == "context" else "text"
    if kind not in MAX_OF_TEXT or block.keys() != {"type", held}:
        yield f"block {kind} with {sorted(block)}"
    texts = _texts(block)
    if not 1 <= len(texts) <= 10:
        yield f"{len(texts)} elements"
    for text in texts:
        if text["type"] == "plain_text":
            if text.keys() != {"type", "text", "emoji"} or text["emoji"] is not False:
                yield f"plain text {text}"
            yield from _of_text(kind, text["text"], MAX_OF_TEXT[kind])
        else:
            if kind == "header" or text.keys() != {"type", "text", "verbatim"}:
                yield f"mrkdwn {sorted(text)} in {kind}"
            yield from _of_markup(kind, text["text"], MAX_OF_TEXT[kind])


def _of_text(place: str, text: str, limit: int) -> Iterator[str]:
    """Plain text: nothing in it is markup."""
    yield from _of_any(place, text, limit)
    if "<" in text or ">" in text:
        yield f"{place}: unescaped: {text!r}"


def _of_markup(place: str, text: str, limit: int) -> Iterator[str]:
    """Markup: links and dates of ours, values in code spans, and our own words between them."""
    yield from _of_any(place, text, limit)
    for url in LINK.findall(text):
        if units(url) > MAX_URL or "`" in url:
            yield f"{place}: address {url!r}"
    rest = CODE.sub("", DATE.sub("", LINK.sub("", text)))
    if OWN_WORDS.sub("", rest):
        yield f"{place}: loose text {rest!r}"
    for span in CODE.findall(text):
        if "<" in span or ">" in span:
            yield f"{place}: unescaped: {span!r}"


def _of_any(place: str, text: str, limit: int) -> Iterator[str]:
    if not 0 < units(text) <= limit:
        yield f"{place}: {units(text)} long"
    if BARE_AMPERSAND.search(text):
        yield f"{place}: half an entity: {text!r}"
    if BROADCAST.search(text):
        yield f"{place}: a broadcast: {text!r}"
    for before, character in zip(" " + text, text, strict=False):
        category = unicodedata.category(character)
        if category in ("Cc", "Cs") and character not in "\n\t":
            yield f"{place}: control {character!r}"
        if category == "Cf" and not WRITING_FORMATS.match(character):
            yield f"{place}: invisible {character!r}"
        if character in "\u200c\u200d" and before.isascii():
            yield f"{place}: joiner after {before!r}"

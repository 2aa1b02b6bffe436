"""Slack's Block Kit shapes, as far as messages use them; the texts are made by `mrkdwn`.

Follows the Block Kit reference: the limits below are Slack's, in characters unless they say what.
Plain text is shown to the letter; mrkdwn is `verbatim`, so that Slack turns nothing into links.
"""

from typing import Any, Final

from tocsin.model.mrkdwn import length

HEADER_LIMIT: Final = 150
SECTION_LIMIT: Final = 3_000

Block = dict[str, Any]


def header(text: str) -> Block:
    """Return a header of escaped text; `emoji: false` leaves `:8080:` in a name as it is."""
    return {"type": "header", "text": plain_text(text)}


def section(text: Block) -> Block:
    """Return a section of one text object."""
    return {"type": "section", "text": text}


def context(text: Block) -> Block:
    """Return small grey text."""
    return {"type": "context", "elements": [text]}


def plain_text(text: str) -> Block:
    """Return a text object in which nothing is markup; `text` is escaped."""
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text: str) -> Block:
    """Return a text object of markup that we wrote."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def sections(rows: list[str]) -> list[Block]:
    """Return rows of markup, each within the limit, in as few sections as hold them."""
    packed: list[str] = []
    for row in rows:
        if packed and length(packed[-1]) + 1 + length(row) <= SECTION_LIMIT:
            packed[-1] += "\n" + row
        else:
            packed.append(row)
    return [section(mrkdwn(text)) for text in packed]


def attachment(colour: str, blocks: list[Block]) -> Block:
    """Return the one attachment, which is there for its coloured bar."""
    return {"color": colour, "blocks": blocks}

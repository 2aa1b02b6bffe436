"""The content of a message as a request gives it: text, blocks, attachments, metadata; checked.

Comes in: a request's arguments, where structures may be JSON in a string (as in forms). Goes out: a
`Content`, or a `Refusal`. Used for posts, edits and webhooks.

Source: https://docs.slack.dev/reference/methods/chat.postMessage and chat.update. The size limit of
metadata is not documented; 8 KB is what the stand-in enforces.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from lab.slack.block_checks import MAX_ATTACHMENTS, check_blocks
from lab.slack.errors import Refusal

MAX_POST_TEXT: Final = 40_000
MAX_UPDATE_TEXT: Final = 4_000
MAX_METADATA_BYTES: Final = 8_192

_EVENT_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
_COLOURS: Final = {"good": "2eb886", "warning": "daa038", "danger": "a30200"}
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Content:
    """What a request wants shown. None: the request did not say; empty: it said "none".

    `metadata` is None when absent, `{}` when it is to be removed. `truncated`: the text was too
    long.
    """

    text: str | None
    blocks: list[Any] | None
    attachments: list[Any] | None
    metadata: dict[str, Any] | None
    truncated: bool = False


def pack(structure: list[Any] | dict[str, Any] | None) -> msgspec.Raw | None:
    """A structure as messages keep it: as JSON, None if it is empty or absent."""
    return msgspec.Raw(_encode(structure)) if structure else None


def read_content(arguments: Mapping[str, Any]) -> Content:
    """The checked content of a post; a text over 40,000 characters is cut, as Slack does."""
    text, blocks, attachments = _read_parts(arguments)
    metadata = _read_metadata(arguments.get("metadata"))
    _check_parts(text, blocks, attachments)
    truncated = text is not None and len(text) > MAX_POST_TEXT
    return Content(
        text[:MAX_POST_TEXT] if text else text,
        _with_ids(blocks),
        _as_stored(attachments),
        metadata,
        truncated,
    )


def read_edit(arguments: Mapping[str, Any]) -> Content:
    """The checked content of an edit, whose text Slack refuses beyond 4,000 characters."""
    text, blocks, attachments = _read_parts(arguments)
    metadata = _read_metadata(arguments.get("metadata"))
    if text and len(text) > MAX_UPDATE_TEXT:
        raise Refusal("msg_too_long")
    _check_parts(text, blocks, attachments)
    return Content(text, _with_ids(blocks), _as_stored(attachments), metadata)


def _read_parts(
    arguments: Mapping[str, Any],
) -> tuple[str | None, list[Any] | None, list[Any] | None]:
    text = arguments.get("text")
    if text is not None and not isinstance(text, str):
        raise Refusal.explained("invalid_arguments", ["must be a string [json-pointer:/text]"])
    blocks = _read_array(arguments.get("blocks"), "invalid_blocks_format")
    attachments = _read_array(arguments.get("attachments"), "invalid_attachments")
    return text, blocks, attachments


def _read_array(value: object, refusal: str) -> list[Any] | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = _decode(value, refusal)
    if not isinstance(value, list):
        raise Refusal(refusal)
    return value


def _decode(value: str, refusal: str) -> object:
    try:
        decoded: object = msgspec.json.decode(value)
    except msgspec.DecodeError:
        raise Refusal(refusal) from None
    return decoded


def _check_parts(text: str | None, blocks: list[Any] | None, attachments: list[Any] | None) -> None:
    if not ((text and text.strip()) or blocks or attachments):
        raise Refusal("no_text")
    if attachments and len(attachments) > MAX_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    if blocks or attachments:
        check_blocks(blocks or [], attachments or [])


def _read_metadata(value: object) -> dict[str, Any] | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = _decode(value, "invalid_metadata_format")
    if not isinstance(value, dict):
        raise Refusal("invalid_metadata_format")
    if not value:
        return value
    kind, payload = value.get("event_type"), value.get("event_payload")
    if not isinstance(kind, str) or not _EVENT_TYPE.fullmatch(kind):
        raise Refusal("invalid_metadata_schema")
    if not isinstance(payload, dict):
        raise Refusal("invalid_metadata_schema")
    if len(_encode(value)) > MAX_METADATA_BYTES:
        raise Refusal("metadata_too_large")
    return value


def _with_ids(blocks: list[Any] | None) -> list[Any] | None:
    """The blocks as Slack keeps them: each with a `block_id`."""
    if blocks is None:
        return None
    return [
        block if "block_id" in block else {"block_id": f"b{number}", **block}
        for number, block in enumerate(blocks)
    ]


def _as_stored(attachments: list[Any] | None) -> list[Any] | None:
    """The attachments as Slack keeps them: numbered, with a fallback, colours as bare hex."""
    if attachments is None:
        return None
    stored = []
    for number, attachment in enumerate(attachments, start=1):
        kept = {"fallback": "[no preview available]", **attachment, "id": number}
        colour = str(kept.get("color", ""))
        if colour:
            kept["color"] = _COLOURS.get(colour, colour.removeprefix("#"))
        if kept.get("blocks"):
            kept["blocks"] = _with_ids(kept["blocks"])
        stored.append(kept)
    return stored

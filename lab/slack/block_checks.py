"""Block Kit as Slack checks it: the blocks of a message, and those in its attachments.

Comes in: decoded JSON of any shape. Goes out: nothing, or a `Refusal` with the code and the
findings of Slack. Called by `content`.

Source: https://docs.slack.dev/reference/block-kit/blocks; msg_blocks_too_long as measured in
https://github.com/slackapi/bolt-js/issues/2509; what an attachment with blocks may hold as in
https://github.com/slackapi/java-slack-sdk/pull/416 and
https://github.com/slackapi/bolt-js/issues/717.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from lab.slack.element_checks import (
    ACCESSORIES,
    ACTION_ELEMENTS,
    ANY_TEXT,
    PLAIN,
    Findings,
    check_element,
    check_image,
    check_rich_text,
    check_text,
)
from lab.slack.errors import Refusal

MAX_BLOCKS: Final = 50
MAX_ATTACHMENTS: Final = 100
MAX_BLOCKS_CHARACTERS: Final = 13_200
MAX_BLOCK_ID: Final = 255

_CONTEXT_KINDS: Final = ANY_TEXT | {"image"}
_SECTION_FIELDS: Final = frozenset({"type", "block_id", "text", "fields", "accessory", "expand"})
_ELEMENTS_FIELDS: Final = frozenset({"type", "block_id", "elements"})
_TEXT_FIELDS: Final = frozenset({"type", "block_id", "text"})
_IMAGE_FIELDS: Final = frozenset(
    {"type", "block_id", "image_url", "slack_file", "alt_text", "title"}
)
_WITH_BLOCKS: Final = frozenset({"blocks", "color", "fallback"})
_REQUIRED_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "context_actions": ("elements",),
    "input": ("label", "element"),
    "table": ("rows",),
    "video": ("alt_text", "title", "thumbnail_url", "video_url"),
}


def check_blocks(blocks: list[Any], attachments: list[Any]) -> None:
    """Refuse what Slack refuses: invalid_blocks, invalid_attachments, msg_blocks_too_long.

    Fifty blocks and 13,200 characters are counted over the message and its attachments together,
    the stricter reading of what Slack documents.
    """
    findings = Findings()
    _check_list(findings, blocks, "/blocks", MAX_BLOCKS)
    if findings.messages:
        raise Refusal.explained("invalid_blocks", findings.messages)
    left = MAX_BLOCKS - len(blocks)
    for number, attachment in enumerate(attachments):
        left -= _check_attachment(findings, attachment, f"/attachments/{number}", left)
    if findings.messages:
        raise Refusal.explained("invalid_attachments", findings.messages)
    if findings.characters > MAX_BLOCKS_CHARACTERS:
        raise Refusal("msg_blocks_too_long")


def _check_attachment(findings: Findings, attachment: object, pointer: str, left: int) -> int:
    """Check one attachment; returns how many blocks it holds."""
    if not isinstance(attachment, dict):
        findings.add("must be an object", pointer)
        return 0
    blocks = attachment.get("blocks")
    if not blocks:
        return 0
    if not isinstance(blocks, list):
        findings.add("must be an array", f"{pointer}/blocks")
        return 0
    if not attachment.keys() <= _WITH_BLOCKS:
        findings.messages.append("invalid_keys")
    _check_list(findings, blocks, f"{pointer}/blocks", left)
    return len(blocks)


def _check_list(findings: Findings, blocks: list[Any], pointer: str, limit: int) -> None:
    if len(blocks) > limit:
        findings.add(f"no more than {limit} items allowed", pointer)
        return
    block_ids: set[str] = set()
    for number, block in enumerate(blocks):
        place = f"{pointer}/{number}"
        if not isinstance(block, dict):
            findings.add("must be an object", place)
            continue
        block_id = findings.string(block, "block_id", MAX_BLOCK_ID, place)
        if block_id is not None:
            if block_id in block_ids:
                findings.add(f"`block_id` {block_id!r} already exists", f"{place}/block_id")
            block_ids.add(block_id)
        kind = findings.kind(block, _CHECKS.keys(), place)
        if kind is not None:
            _CHECKS[kind](findings, block, place)


def _check_section(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    findings.fields(block, _SECTION_FIELDS, pointer)
    if "text" not in block and "fields" not in block:
        findings.add("must define either `text` or `fields`", pointer)
    if "text" in block:
        check_text(findings, block["text"], ANY_TEXT, 3000, f"{pointer}/text")
    if "fields" in block:
        for number, field in enumerate(findings.items(block, "fields", 10, pointer)):
            check_text(findings, field, ANY_TEXT, 2000, f"{pointer}/fields/{number}")
    if "accessory" in block:
        check_element(findings, block["accessory"], ACCESSORIES, f"{pointer}/accessory")


def _check_header(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    findings.fields(block, _TEXT_FIELDS, pointer)
    if "text" not in block:
        findings.add("missing required field: text", pointer)
    else:
        check_text(findings, block["text"], PLAIN, 150, f"{pointer}/text")


def _check_context(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    findings.fields(block, _ELEMENTS_FIELDS, pointer)
    for number, element in enumerate(findings.items(block, "elements", 10, pointer)):
        place = f"{pointer}/elements/{number}"
        if isinstance(element, dict) and element.get("type") == "image":
            check_element(findings, element, _CONTEXT_KINDS, place)
        else:
            check_text(findings, element, ANY_TEXT, 3000, place)


def _check_actions(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    findings.fields(block, _ELEMENTS_FIELDS, pointer)
    action_ids: set[object] = set()
    for number, element in enumerate(findings.items(block, "elements", 25, pointer)):
        place = f"{pointer}/elements/{number}"
        check_element(findings, element, ACTION_ELEMENTS, place)
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if isinstance(action_id, str):
            if action_id in action_ids:
                findings.add(f"`action_id` {action_id!r} already exists", f"{place}/action_id")
            action_ids.add(action_id)


def _check_divider(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    findings.fields(block, frozenset({"type", "block_id"}), pointer)


def _check_image(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    findings.fields(block, _IMAGE_FIELDS, pointer)
    check_image(findings, block, pointer)
    if "title" in block:
        check_text(findings, block["title"], PLAIN, 2000, f"{pointer}/title")


def _check_markdown(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    findings.fields(block, _TEXT_FIELDS, pointer)
    findings.required_string(block, "text", 12_000, pointer)
    if isinstance(block.get("text"), str):
        findings.characters += len(block["text"])


def _check_required(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    """Blocks that alerts have no use for: only what they must have is checked."""
    for name in _REQUIRED_ELSEWHERE[block["type"]]:
        if not block.get(name):
            findings.add(f"missing required field: {name}", pointer)


_CHECKS: Final[Mapping[str, Callable[[Findings, dict[str, Any], str], None]]] = {
    "actions": _check_actions,
    "context": _check_context,
    "divider": _check_divider,
    "header": _check_header,
    "image": _check_image,
    "markdown": _check_markdown,
    "rich_text": check_rich_text,
    "section": _check_section,
    **dict.fromkeys(_REQUIRED_ELSEWHERE, _check_required),
}

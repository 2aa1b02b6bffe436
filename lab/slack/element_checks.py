"""Checks of the parts that blocks are made of: text objects, images, buttons, menus, rich text.

Comes in: decoded JSON of any shape. Goes out: findings, each with the JSON pointer Slack would
give. Called by `block_checks`. Lengths are counted in code points; Slack does not say in what it
counts.

Source: https://docs.slack.dev/reference/block-kit (block elements, composition objects); the
wording of findings is that of Slack's answers as seen in public issue trackers.
"""

import re
from collections.abc import Set
from typing import Any, Final, TypeGuard

PLAIN: Final = frozenset({"plain_text"})
ANY_TEXT: Final = frozenset({"plain_text", "mrkdwn"})

MAX_URL: Final = 3000
MAX_ALT_TEXT: Final = 2000
MAX_ACTION_ID: Final = 255

_MENU_SOURCES: Final = ("static", "external", "users", "conversations", "channels")
ACTION_ELEMENTS: Final = frozenset(
    {
        *(f"{source}_select" for source in _MENU_SOURCES),
        *(f"multi_{source}_select" for source in _MENU_SOURCES),
        *("button", "overflow", "checkboxes", "radio_buttons", "workflow_button"),
        *("datepicker", "timepicker", "datetimepicker"),
    }
)
ACCESSORIES: Final = ACTION_ELEMENTS | {"image"}

_TEXT_OPTIONS: Final = {
    "plain_text": frozenset({"type", "text", "emoji"}),
    "mrkdwn": frozenset({"type", "text", "verbatim"}),
}
_BUTTON_FIELDS: Final = frozenset(
    {"type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"}
)
_IMAGE_FIELDS: Final = frozenset({"type", "image_url", "slack_file", "alt_text"})
_RICH_TEXT_PARTS: Final = frozenset(
    {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
)
_WEB_URL: Final = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)
_ANY_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)


class Findings:
    """What is wrong with a message so far, and how many characters of text its blocks hold."""

    __slots__ = ("characters", "messages")

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.characters = 0

    def add(self, message: str, pointer: str) -> None:
        """Note that the value at `pointer` (such as `/blocks/0/text`) is wrong."""
        self.messages.append(f"{message} [json-pointer:{pointer}]")

    def kind(self, value: dict[str, Any], kinds: Set[str], pointer: str) -> str | None:
        """The `type` of an object if it is one of `kinds`; None, and noted, if it is not."""
        kind = value.get("type")
        if isinstance(kind, str) and kind in kinds:
            return kind
        if kind is None:
            self.add("missing required field: type", pointer)
        else:
            self.add(f"unsupported type: {kind}", f"{pointer}/type")
        return None

    def fields(self, value: dict[str, Any], allowed: Set[str], pointer: str) -> None:
        """Note the fields that Slack does not know in this place."""
        if not value.keys() <= allowed:
            for name in value.keys() - allowed:
                self.add(f"invalid additional property: {name}", pointer)

    def string(self, value: dict[str, Any], name: str, limit: int, pointer: str) -> str | None:
        """The string at `name`, having checked its length; None if it is absent or no string."""
        text = value.get(name)
        if text is None:
            return None
        if not isinstance(text, str):
            self.add("must be a string", f"{pointer}/{name}")
            return None
        if not text:
            self.add("must be more than 0 characters", f"{pointer}/{name}")
        elif len(text) > limit:
            self.add(f"must be less than {limit + 1} characters", f"{pointer}/{name}")
        return text

    def required_string(self, value: dict[str, Any], name: str, limit: int, pointer: str) -> None:
        """As `string`, where the field has to be present."""
        if value.get(name) is None:
            self.add(f"missing required field: {name}", pointer)
        else:
            self.string(value, name, limit, pointer)

    def items(self, value: dict[str, Any], name: str, limit: int, pointer: str) -> list[Any]:
        """The array at `name`, having checked that it is there with 1 to `limit` items."""
        array = value.get(name)
        if array is None:
            self.add(f"missing required field: {name}", pointer)
            return []
        if not isinstance(array, list):
            self.add("must be an array", f"{pointer}/{name}")
            return []
        if not array:
            self.add("no less than 1 items allowed", f"{pointer}/{name}")
        elif len(array) > limit:
            self.add(f"no more than {limit} items allowed", f"{pointer}/{name}")
        return array


def check_text(
    findings: Findings, value: object, kinds: Set[str], limit: int, pointer: str
) -> None:
    """A text object of one of `kinds` with 1 to `limit` characters."""
    if _is_right(value, kinds, limit):
        findings.characters += len(value["text"])
        return
    if not isinstance(value, dict):
        findings.add("must be an object", pointer)
        return
    kind = findings.kind(value, kinds, pointer)
    if kind is None:
        return
    text = value.get("text")
    if not isinstance(text, str):
        findings.add("missing required field: text", pointer)
        return
    findings.characters += len(text)
    if not 0 < len(text) <= limit or not value.keys() <= _TEXT_OPTIONS[kind]:
        findings.add("failed to match all allowed schemas", pointer)
        findings.string(value, "text", limit, pointer)
        findings.fields(value, _TEXT_OPTIONS[kind], pointer)
    for option in ("emoji", "verbatim"):
        if not isinstance(value.get(option, False), bool):
            findings.add("must be a boolean", f"{pointer}/{option}")


def _is_right(value: object, kinds: Set[str], limit: int) -> TypeGuard[dict[str, Any]]:
    """Whether a text object is right, for the forms that nearly all have; False decides nothing."""
    if type(value) is not dict:
        return False
    text, kind = value.get("text"), value.get("type")
    if type(text) is not str or type(kind) is not str or kind not in kinds:
        return False
    option = "verbatim" if kind == "mrkdwn" else "emoji"
    known = len(value) == 2 or (len(value) == 3 and type(value.get(option)) is bool)
    return known and 0 < len(text) <= limit


def check_image(findings: Findings, image: dict[str, Any], pointer: str) -> None:
    """The fields that image blocks and image elements share. Unlike Slack, fetches nothing."""
    findings.required_string(image, "alt_text", MAX_ALT_TEXT, pointer)
    if "slack_file" in image:
        if not isinstance(image["slack_file"], dict):
            findings.add("must be an object", f"{pointer}/slack_file")
        return
    findings.required_string(image, "image_url", MAX_URL, pointer)
    url = image.get("image_url")
    if isinstance(url, str) and not _WEB_URL.fullmatch(url):
        findings.add("invalid url", f"{pointer}/image_url")


def check_element(findings: Findings, value: object, kinds: Set[str], pointer: str) -> None:
    """An interactive element or an image, as actions blocks and accessories hold them."""
    if not isinstance(value, dict):
        findings.add("must be an object", pointer)
        return
    kind = findings.kind(value, kinds, pointer)
    if kind is None:
        return
    findings.string(value, "action_id", MAX_ACTION_ID, pointer)
    if kind == "button":
        _check_button(findings, value, pointer)
    elif kind == "image":
        findings.fields(value, _IMAGE_FIELDS, pointer)
        check_image(findings, value, pointer)


def _check_button(findings: Findings, button: dict[str, Any], pointer: str) -> None:
    findings.fields(button, _BUTTON_FIELDS, pointer)
    if "text" not in button:
        findings.add("missing required field: text", pointer)
    else:
        check_text(findings, button["text"], PLAIN, 75, f"{pointer}/text")
    url = findings.string(button, "url", MAX_URL, pointer)
    if url and not _ANY_URL.fullmatch(url):
        findings.add("invalid url", f"{pointer}/url")
    findings.string(button, "value", 2000, pointer)
    findings.string(button, "accessibility_label", 75, pointer)
    if button.get("style", "primary") not in ("primary", "danger"):
        findings.add("must be one of: primary, danger", f"{pointer}/style")


def check_rich_text(findings: Findings, block: dict[str, Any], pointer: str) -> None:
    """A rich_text block's elements: their kinds, and the characters of the text in them."""
    for number, part in enumerate(findings.items(block, "elements", 1000, pointer)):
        place = f"{pointer}/elements/{number}"
        if not isinstance(part, dict):
            findings.add("must be an object", place)
            continue
        if findings.kind(part, _RICH_TEXT_PARTS, place) is None:
            continue
        if not isinstance(part.get("elements"), list):
            findings.add("missing required field: elements", place)
            continue
        findings.characters += _leaf_characters(part["elements"])


def _leaf_characters(elements: list[Any]) -> int:
    """The characters in the `text` of rich text leaves, through at most one level of lists."""
    leaves = [leaf for leaf in elements if isinstance(leaf, dict)]
    nested = [leaf["elements"] for leaf in leaves if isinstance(leaf.get("elements"), list)]
    leaves += [leaf for inner in nested for leaf in inner if isinstance(leaf, dict)]
    return sum(len(leaf["text"]) for leaf in leaves if isinstance(leaf.get("text"), str))

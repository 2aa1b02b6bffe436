"""Block Kit is checked as Slack checks it, with Slack's words for what is wrong."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.slack.block_checks import check_blocks
from lab.slack.content import read_content, read_edit
from lab.slack.errors import Refusal
from lab.slack.server import StandIn
from tests.lab.slack_talk import SECTION, error, refusal, unlimited, web

DIVIDER = {"type": "divider"}
PLAIN = {"type": "plain_text", "text": "x"}
MRKDWN = {"type": "mrkdwn", "text": "x"}
BUTTON = {"type": "button", "text": PLAIN, "action_id": "a", "url": "https://x.example/"}
IMAGE = {"type": "image", "image_url": "https://x.example/x.png", "alt_text": "x"}


def text(length: int, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": "x" * length}


def section(**fields: Any) -> dict[str, Any]:
    return {"type": "section", **fields}


def actions(*elements: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def findings(*blocks: Any) -> list[str]:
    """What is wrong with these blocks, without the marker and pointer to the message's blocks."""
    with pytest.raises(Refusal) as refused:
        check_blocks(list(blocks), [])
    assert refused.value.code == "invalid_blocks"
    found: list[str] = refused.value.extra["errors"]
    return [finding.replace("[json-pointer:/blocks/0", "[") for finding in found]


GOOD: list[dict[str, Any]] = [
    DIVIDER,
    {"type": "header", "text": {**text(150, "plain_text"), "emoji": True}, "block_id": "h"},
    section(text={**text(3000), "verbatim": True}),
    section(fields=[text(2000)] * 6),
    section(fields=[PLAIN] * 10, accessory=BUTTON),
    section(text=PLAIN, accessory=IMAGE, expand=True),
    section(text=PLAIN, accessory={"type": "static_select", "options": []}),
    {"type": "context", "elements": [MRKDWN, PLAIN, IMAGE] * 3},
    actions(*({**BUTTON, "action_id": f"a{number}"} for number in range(25))),
    actions({**BUTTON, "style": "danger", "value": "v", "accessibility_label": "l"}),
    actions({"type": "button", "text": text(75, "plain_text"), "url": "mailto:ops@x.example"}),
    {**IMAGE, "title": PLAIN},
    {"type": "image", "slack_file": {"id": "F1"}, "alt_text": "x"},
    {"type": "markdown", "text": "x" * 12_000},
    {"type": "video", "alt_text": "x", "title": PLAIN, "thumbnail_url": "u", "video_url": "u"},
    {"type": "table", "rows": [[PLAIN]]},
    {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
    },
]


@pytest.mark.parametrize("block", GOOD, ids=lambda block: str(block["type"]))
def test_what_slack_takes_is_taken(block: dict[str, Any]) -> None:
    check_blocks([block], [{"color": "#d9222a", "fallback": "x", "blocks": [DIVIDER]}])


BAD: list[tuple[Any, list[str]]] = [
    ("text", ["must be an object []"]),
    ({}, ["missing required field: type []"]),
    ({"type": "banner"}, ["unsupported type: banner [/type]"]),
    ({"type": ["section"]}, ["unsupported type: ['section'] [/type]"]),
    ({**DIVIDER, "block_id": "x" * 256}, ["must be less than 256 characters [/block_id]"]),
    ({**DIVIDER, "block_id": ""}, ["must be more than 0 characters [/block_id]"]),
    ({**DIVIDER, "block_id": 1}, ["must be a string [/block_id]"]),
    ({**DIVIDER, "text": MRKDWN}, ["invalid additional property: text []"]),
    ({"type": "header"}, ["missing required field: text []"]),
    ({"type": "header", "text": MRKDWN}, ["unsupported type: mrkdwn [/text/type]"]),
    ({"type": "header", "text": "x"}, ["must be an object [/text]"]),
    ({"type": "header", "text": {"type": "plain_text"}}, ["missing required field: text [/text]"]),
    (
        {"type": "header", "text": text(151, "plain_text")},
        [
            "failed to match all allowed schemas [/text]",
            "must be less than 151 characters [/text/text]",
        ],
    ),
    (section(), ["must define either `text` or `fields` []"]),
    (
        section(text=text(3001)),
        [
            "failed to match all allowed schemas [/text]",
            "must be less than 3001 characters [/text/text]",
        ],
    ),
    (
        section(text=text(0)),
        [
            "failed to match all allowed schemas [/text]",
            "must be more than 0 characters [/text/text]",
        ],
    ),
    (
        section(text={**MRKDWN, "emoji": True}),
        [
            "failed to match all allowed schemas [/text]",
            "invalid additional property: emoji [/text]",
        ],
    ),
    (section(text={**MRKDWN, "verbatim": "yes"}), ["must be a boolean [/text/verbatim]"]),
    (section(fields=[]), ["no less than 1 items allowed [/fields]"]),
    (section(fields=MRKDWN), ["must be an array [/fields]"]),
    (section(fields=[MRKDWN] * 11), ["no more than 10 items allowed [/fields]"]),
    (
        section(fields=[MRKDWN, text(2001)]),
        [
            "failed to match all allowed schemas [/fields/1]",
            "must be less than 2001 characters [/fields/1/text]",
        ],
    ),
    (section(text=PLAIN, accessory="x"), ["must be an object [/accessory]"]),
    (section(text=PLAIN, accessory=DIVIDER), ["unsupported type: divider [/accessory/type]"]),
    ({"type": "context"}, ["missing required field: elements []"]),
    ({"type": "context", "elements": [PLAIN] * 11}, ["no more than 10 items allowed [/elements]"]),
    ({"type": "context", "elements": [BUTTON]}, ["unsupported type: button [/elements/0/type]"]),
    (
        {"type": "context", "elements": [{"type": "image", "image_url": "https://x.example/"}]},
        ["missing required field: alt_text [/elements/0]"],
    ),
    (
        actions(*[{"type": "button", "text": PLAIN}] * 26),
        ["no more than 25 items allowed [/elements]"],
    ),
    (actions(IMAGE), ["unsupported type: image [/elements/0/type]"]),
    (actions(BUTTON, BUTTON), ["`action_id` 'a' already exists [/elements/1/action_id]"]),
    (actions({"type": "button"}), ["missing required field: text [/elements/0]"]),
    (actions({**BUTTON, "text": MRKDWN}), ["unsupported type: mrkdwn [/elements/0/text/type]"]),
    (
        actions({**BUTTON, "text": text(76, "plain_text")}),
        [
            "failed to match all allowed schemas [/elements/0/text]",
            "must be less than 76 characters [/elements/0/text/text]",
        ],
    ),
    (
        actions({**BUTTON, "url": "https://x.example/" + "x" * 3000}),
        ["must be less than 3001 characters [/elements/0/url]"],
    ),
    (actions({**BUTTON, "url": "no address"}), ["invalid url [/elements/0/url]"]),
    (
        actions({**BUTTON, "action_id": "x" * 256}),
        ["must be less than 256 characters [/elements/0/action_id]"],
    ),
    (actions({**BUTTON, "style": "loud"}), ["must be one of: primary, danger [/elements/0/style]"]),
    (actions({**BUTTON, "colour": "red"}), ["invalid additional property: colour [/elements/0]"]),
    ({**IMAGE, "image_url": "ftp://x.example/"}, ["invalid url [/image_url]"]),
    ({"type": "image", "alt_text": "x"}, ["missing required field: image_url []"]),
    (
        {"type": "image", "alt_text": "x", "slack_file": "F1"},
        ["must be an object [/slack_file]"],
    ),
    ({**IMAGE, "title": MRKDWN}, ["unsupported type: mrkdwn [/title/type]"]),
    ({"type": "markdown", "text": "x" * 12_001}, ["must be less than 12001 characters [/text]"]),
    ({"type": "markdown"}, ["missing required field: text []"]),
    ({"type": "table"}, ["missing required field: rows []"]),
    ({"type": "rich_text", "elements": [MRKDWN]}, ["unsupported type: mrkdwn [/elements/0/type]"]),
    ({"type": "rich_text", "elements": ["x"]}, ["must be an object [/elements/0]"]),
    (
        {"type": "rich_text", "elements": [{"type": "rich_text_quote"}]},
        ["missing required field: elements [/elements/0]"],
    ),
]


@pytest.mark.parametrize(("block", "expected"), BAD)
def test_what_slack_refuses_is_refused_in_its_words(block: Any, expected: list[str]) -> None:
    assert findings(block) == expected


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert len(findings(section(), {"type": "banner"}, section(fields=[]))) == 3


def test_fifty_blocks_are_the_limit() -> None:
    check_blocks([DIVIDER] * 50, [])
    assert findings(*[DIVIDER] * 51) == ["no more than 50 items allowed [json-pointer:/blocks]"]


def test_block_ids_are_unique_in_their_list() -> None:
    named = {**DIVIDER, "block_id": "a"}
    assert findings(DIVIDER, named, named) == [
        "`block_id` 'a' already exists [json-pointer:/blocks/2/block_id]"
    ]


@pytest.mark.parametrize(
    ("attachments", "expected"),
    [
        (["x"], "must be an object [json-pointer:/attachments/0]"),
        (
            [{"blocks": {}}, {"blocks": "x"}],
            "must be an array [json-pointer:/attachments/1/blocks]",
        ),
        ([{"blocks": [DIVIDER], "footer": "x"}], "invalid_keys"),
        (
            [{"text": "x"}, {"blocks": [section()]}],
            "must define either `text` or `fields` [json-pointer:/attachments/1/blocks/0]",
        ),
        (
            [{"blocks": [DIVIDER] * 30}, {"blocks": [DIVIDER] * 20}],
            "no more than 19 items allowed [json-pointer:/attachments/1/blocks]",
        ),
    ],
)
def test_blocks_in_attachments_are_checked_alike(attachments: list[Any], expected: str) -> None:
    with pytest.raises(Refusal, match="invalid_attachments") as refused:
        check_blocks([DIVIDER], attachments)
    assert refused.value.extra["errors"] == [expected]


def test_the_text_of_all_blocks_together_has_a_limit() -> None:
    four = [section(text=text(3000))] * 4
    check_blocks([*four, section(text=text(1200))], [])
    with pytest.raises(Refusal, match="msg_blocks_too_long"):
        check_blocks(four, [{"blocks": [section(text=text(1201))]}])


def test_rich_text_and_markdown_count_towards_that_limit() -> None:
    leaf = {"type": "text", "text": "x" * 700}
    item = {"type": "rich_text_section", "elements": [leaf]}
    bullets = {"type": "rich_text_list", "style": "bullet", "elements": [item]}
    rich = {"type": "rich_text", "elements": [bullets, item]}
    markdown = {"type": "markdown", "text": "x" * 11_800}
    check_blocks([rich, markdown], [])
    with pytest.raises(Refusal, match="msg_blocks_too_long"):
        check_blocks([rich, markdown, {"type": "header", "text": PLAIN}], [])


@pytest.mark.parametrize("read", [read_content, read_edit])
def test_a_hundred_attachments_are_the_limit(read: Any) -> None:
    read({"attachments": [{"text": "x"}] * 100})
    with pytest.raises(Refusal, match="too_many_attachments"):
        read({"attachments": [{"text": "x"}] * 101})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"blocks": "[{"}, "invalid_blocks_format"),
        ({"blocks": "{}"}, "invalid_blocks_format"),
        ({"blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"attachments": "["}, "invalid_attachments"),
        ({"attachments": {"text": "x"}}, "invalid_attachments"),
    ],
)
def test_structures_that_are_no_arrays_are_refused(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal, match=code):
        read_content({"text": "x", **arguments})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "elements", "fields", "accessory", "block_id", "blocks"]
            ),
            inner
            | st.sampled_from(["section", "actions", "context", "button", "rich_text", "mrkdwn"]),
            max_size=5,
        )
    ),
    max_leaves=20,
)


def outcome(blocks: list[Any], attachments: list[Any]) -> str:
    try:
        check_blocks(blocks, attachments)
    except Refusal as refusal:
        return refusal.code
    return "ok"


@settings(deadline=None)
@given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=3))
def test_blocks_of_any_shape_are_taken_or_refused(
    blocks: list[Any], attachments: list[Any]
) -> None:
    assert outcome(blocks, attachments) in {"ok", "invalid_blocks", "invalid_attachments"}


async def test_a_refused_post_tells_what_is_wrong_and_leaves_no_message(slack: StandIn) -> None:
    client = unlimited(slack)
    refused = await refusal(
        client.chat_postMessage(channel="alerts", text="x", blocks=[{"type": "header"}])
    )
    finding = "missing required field: text [json-pointer:/blocks/0]"
    assert refused["error"] == "invalid_blocks"
    assert refused["errors"] == [finding]
    assert refused["response_metadata"]["messages"] == [f"[ERROR] {finding}"]
    assert (await client.conversations_history(channel="C00ALERTS"))["messages"] == []


async def test_an_edit_is_checked_as_a_post_is(slack: StandIn) -> None:
    client = unlimited(slack)
    ts = (await client.chat_postMessage(channel="alerts", text="x", blocks=[SECTION]))["ts"]
    call = client.chat_update(channel="C00ALERTS", ts=ts, text="y", blocks=[DIVIDER] * 51)
    assert await error(call) == "invalid_blocks"
    call = web(slack).chat_update(
        channel="C00ALERTS", ts=ts, text="y", attachments=[{"blocks": [section()]}]
    )
    assert await error(call) == "invalid_attachments"

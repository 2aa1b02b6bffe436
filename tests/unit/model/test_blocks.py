"""Blocks: Slack's shapes."""

from tocsin.model.blocks import (
    SECTION_LIMIT,
    attachment,
    context,
    header,
    mrkdwn,
    plain_text,
    section,
    sections,
)


def test_a_header_is_plain_text_without_emoji_codes() -> None:
    text = {"type": "plain_text", "text": "🔴 Firing", "emoji": False}
    assert header("🔴 Firing") == {"type": "header", "text": text}


def test_markup_is_verbatim() -> None:
    text = {"type": "mrkdwn", "text": "`a`", "verbatim": True}
    assert section(mrkdwn("`a`")) == {"type": "section", "text": text}
    assert context(mrkdwn("`a`")) == {"type": "context", "elements": [text]}


def test_an_attachment_has_nothing_but_its_bar_and_blocks() -> None:
    blocks = [section(plain_text("a"))]
    assert attachment("#2eb67d", blocks) == {"color": "#2eb67d", "blocks": blocks}


def test_rows_share_a_section_as_long_as_they_fit() -> None:
    half = "😀" * (SECTION_LIMIT // 4)
    assert [block["text"]["text"] for block in sections(["a", "b"])] == ["a\nb"]
    assert [block["text"]["text"] for block in sections([half, half[:-1], "c"])] == [
        f"{half}\n{half[:-1]}",
        "c",
    ]
    assert sections([]) == []

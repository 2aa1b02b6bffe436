"""Mrkdwn: text from outside is shown to the letter, does nothing, and fits."""

from unicodedata import category

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.stages.slack_limits import WRITING_FORMATS
from tocsin.model.mrkdwn import ELLIPSIS, code, fit, length, link, one_line, paragraph

ANYTHING = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Pod is crash looping.", "Pod is crash looping."),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("&amp;", "&amp;amp;"),
        ("<!channel> <@U1> <https://x|y>", "&lt;!channel&gt; &lt;@U1&gt; &lt;https://x|y&gt;"),
        ("  two\n\n lines\u2028three\t", "two lines three"),
        ("نص عربي 漢字 👍🏽", "نص عربي 漢字 👍🏽"),
        ("می‌خواهم 👩‍👧", "می‌خواهم 👩‍👧"),
        (" \n\t", ""),
    ],
)
def test_a_line_is_escaped_and_its_white_space_collapsed(text: str, shown: str) -> None:
    assert one_line(text, 100) == shown


@pytest.mark.parametrize(
    "character",
    [
        *("\x00", "\x1b", "\x7f", "\x9b", "\xad", "\ud800", "\udfff", "\ufffe", "\U000e0041"),
        *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\U0001d173"),
        *("\u200e", "\u202e", "\u2066"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(character: str) -> None:
    assert one_line(f"a{character}b", 100) == "a�b"


@pytest.mark.parametrize("word", ["@here", "@channel", "@EVERYONE", "@group", "(@here)"])
def test_a_broadcast_calls_nobody(word: str) -> None:
    assert "@" not in one_line(word, 100)
    assert one_line(word, 100) == word.replace("@", "＠")


def test_no_broadcast_comes_of_a_cut() -> None:
    assert one_line("@hereabouts", 6) == "＠here…"


@pytest.mark.parametrize("text", ["ops@here.example", "@alice", "a @ b"])
def test_other_at_signs_stay(text: str) -> None:
    assert one_line(text, 100) == text


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("abcd efg", 6, "abcd…"),
        ("abc&def", 7, "abc…"),
        ("abc&def", 10, "abc&amp;d…"),
        ("😀😀😀", 6, "😀😀😀"),
        ("😀😀😀", 5, "😀😀…"),
        ("😀😀😀", 4, "😀…"),
        ("abcde\u0301f", 6, "abcd…"),
        ("ab👍🏽cdefg", 6, "ab…"),
        ("a👩\u200d👧bcdefg", 6, "a…"),
        ("ab🇩🇪cdef", 6, "ab…"),
        ("ab&\u0301cdef", 8, "ab…"),
        ("漢字漢字", 3, "漢字…"),
    ],
)
def test_a_cut_leaves_whole_characters_and_entities(text: str, limit: int, shown: str) -> None:
    assert one_line(text, limit) == shown


def test_marks_without_end_are_cut_all_the_same() -> None:
    assert fit("a" + "\u0301" * 100, 50) == "a" + "\u0301" * 48 + ELLIPSIS


def test_a_paragraph_keeps_its_lines_but_no_runs_of_empty_ones() -> None:
    assert paragraph("\n\n one  \r\n\n\n\n  two\n", 100, 9) == "one\n\n  two"


def test_a_paragraph_has_so_many_lines() -> None:
    assert paragraph("a\nb\nc\nd", 100, 2) == "a\nb…"


def test_a_megabyte_is_cut_to_what_fits() -> None:
    assert one_line("<" * 1_000_000, 41) == "&lt;" * 10 + ELLIPSIS
    assert paragraph("x" * 1_000_000, 100, 9) == "x" * 99 + ELLIPSIS
    assert code("x" * 1_000_000, 10) == f"`{'x' * 7}{ELLIPSIS}`"


def test_a_code_span_holds_no_other_backtick_and_no_line_break() -> None:
    assert code("a`b``\nc", 100) == "`aˋbˋˋ c`"


def test_a_code_span_is_never_empty() -> None:
    assert code(" \n", 100) == "`␣`"


@pytest.mark.parametrize(
    ("url", "markup"),
    [
        ("https://a.example/x?y=1&z=2", "<https://a.example/x?y=1&amp;z=2|Graph>"),
        ("HTTP://host:9090", "<http://host:9090|Graph>"),
        ("http://[::1]:9090/graph", "<http://[::1]:9090/graph|Graph>"),
        ("https://münchen.example/ä", "<https://münchen.example/ä|Graph>"),
        ('https://a/|<>`"\\@here', "<https://a/%7C%3C%3E%60%22%5C%40here|Graph>"),
    ],
)
def test_a_sane_address_becomes_a_link(url: str, markup: str) -> None:
    assert link(url, "Graph", 200) == markup


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "ftp://a.example/",
        "//a.example",
        "https://",
        "https:///path",
        "https://user@a.example/",
        "https://good.example:pw@evil.example/",
        "https://good.example\\@evil.example/",
        "https://a.example/with space",
        "https://a.example/\n",
        "https://a.example/\u202egnp.exe",
        "https://a.example/\u200b",
        "https://a.example/\ud800",
        "https://a.example:port/",
    ],
)
def test_anything_else_becomes_no_link(url: str) -> None:
    assert link(url, "Graph", 200) == ""


def test_an_address_is_never_cut() -> None:
    assert link("https://a.example/", "Graph", 26) == "<https://a.example/|Graph>"
    assert link("https://a.example/", "Graph", 25) == ""
    assert link("https://a.example/" + "x" * 1_000_000, "Graph", 3_000) == ""
    assert link("https://a.example/" + "|" * 50, "Graph", 100) == ""


@settings(deadline=None)
@given(ANYTHING, st.integers(2, 40))
def test_any_text_fits_and_encodes(text: str, limit: int) -> None:
    for shown in (one_line(text, limit), paragraph(text, limit, 3), code(text, limit + 2)[1:-1]):
        assert length(shown) <= limit
        shown.encode()
        assert "<" not in shown
        assert ">" not in shown


def test_no_format_character_of_unicode_goes_through_unless_scripts_are_written_with_it() -> None:
    every = [chr(code) for code in range(0x110000) if category(chr(code)) == "Cf"]
    unseen = [each for each in every if not WRITING_FORMATS.match(each)]
    assert [each for each in unseen if each in one_line(f"a{each}b", 100)] == []
